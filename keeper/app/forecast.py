"""What oracle updates that are not mined yet will do, wherever one hears of them."""

from collections.abc import Collection, Sequence

from keeper.app.bids import Bidder
from keeper.app.lane import Expectation, Lane
from keeper.app.native import native_price
from keeper.execute.dispatch import Dispatcher
from keeper.plan.model import Plan
from keeper.protocols.oracles.transmit import Transmission
from keeper.types import Address, BlockRef


class Forecaster:
    """Asks the deployments of `lanes` who will cross, and what that is worth.

    `wrapped_native` tells what gas is worth; `bidder` adds bids to plans that bring none along.
    """

    def __init__(
        self,
        lanes: Sequence[Lane],
        dispatcher: Dispatcher,
        chain_id: int,
        wrapped_native: Address | None,
        bidder: Bidder | None = None,
    ) -> None:
        self._lanes = lanes
        self._dispatcher = dispatcher
        self._chain_id = chain_id
        self._wrapped_native = wrapped_native
        self._bidder = bidder

    def moves(self, aggregator: Address) -> bool:
        """Whether an answer of `aggregator` moves a price of any deployment."""
        return any(lane.moved_by(aggregator) for lane in self._lanes)

    async def expect(
        self,
        aggregators: Collection[Address],
        supposed: Sequence[Transmission],
        head: BlockRef,
        timestamp: int,
        gas_price: int,
    ) -> Expectation:
        """Who crosses where `aggregators` move a price, once `supposed` is mined after `head` at `timestamp`.

        Raises:
            Transient: no node answered.
        """
        native = native_price([lane.market for lane in self._lanes], self._wrapped_native, self._chain_id)
        everything = Expectation([], [], [])
        for lane in self._lanes:
            if lane.cursor != head or not any(map(lane.moved_by, aggregators)):
                continue
            found = await lane.anticipate(
                [each for each in supposed if lane.moved_by(each.aggregator)],
                head,
                timestamp,
                gas_price,
                native,
                in_flight=self._dispatcher.in_flight(),
                ahead=everything.plans,
            )
            bid = found.plans if self._bidder is None else await self._bidder.bid(found.plans)
            everything.crossing.extend(found.crossing)
            everything.plans.extend(each for each in bid if isinstance(each, Plan))
            everything.rejections.extend(found.rejections)
        return everything
