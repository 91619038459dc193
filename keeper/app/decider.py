"""What a head means, deployment by deployment: who may be liquidated, and what is planned."""

from collections.abc import Sequence

from keeper.app.announce import Announcer
from keeper.app.events import Event
from keeper.app.lane import Judgement, Lane, planned
from keeper.app.native import native_price
from keeper.app.outbox import Outbox
from keeper.app.pace import Pace
from keeper.errors import Degraded
from keeper.execute.dispatch import Dispatcher
from keeper.plan.model import Plan
from keeper.ports import Chain
from keeper.types import Address, BlockRef


class Decider:
    """Asks one lane after the other; one that cannot be judged is left out, and said.

    `ours` tells whether the dispatcher knows what is on its way, and no other process does.
    """

    def __init__(
        self,
        chain: Chain,
        chain_id: int,
        wrapped_native: Address | None,
        *,
        dispatcher: Dispatcher,
        outbox: Outbox,
        announcer: Announcer,
    ) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._wrapped_native = wrapped_native
        self._dispatcher = dispatcher
        self._outbox = outbox
        self._announcer = announcer

    async def judge(
        self, lanes: Sequence[Lane], head: BlockRef, pace: Pace, *, ours: bool
    ) -> list[Judgement]:
        """What `lanes` decide; some leave accounts for later, see `go_on`.

        Raises:
            Transient: the chain could not be read.
        """
        markets = [lane.market for lane in lanes]
        native = native_price(markets, self._wrapped_native, self._chain_id)
        tip = self._dispatcher.tip if ours else None
        gas_price = head.base_fee + (await self._chain.priority_fee() if tip is None else tip)
        in_flight = self._dispatcher.in_flight() if ours else frozenset()
        timestamp = pace.next_timestamp
        judgements: list[Judgement] = []
        for lane in lanes:
            try:
                judgement = await lane.judge(
                    head,
                    timestamp,
                    gas_price,
                    native,
                    in_flight,
                    ahead=self._ahead(judgements, ours=ours),
                    markets=markets,
                    patience=pace.patience,
                )
                judgements.append(judgement)
            except Degraded as error:
                self._announcer.say(Event.DEGRADED, block=head.number, reason=str(error))
        return judgements

    async def go_on(
        self, lanes: Sequence[Lane], judgements: Sequence[Judgement], head: BlockRef, *, ours: bool
    ) -> list[Judgement]:
        """Decide on those whom `judgements` left, now that the others are on their way.

        Raises:
            Transient: the chain could not be read.
        """
        by_name = {lane.market.deployment: lane for lane in lanes}
        complete = list(judgements)
        for place, each in enumerate(judgements):
            try:
                ahead = self._ahead(complete, ours=ours)
                complete[place] = await by_name[each.deployment].go_on(each, ahead)
            except Degraded as error:
                self._announcer.say(Event.DEGRADED, block=head.number, reason=str(error))
        return complete

    def _ahead(self, judgements: Sequence[Judgement], *, ours: bool) -> list[Plan]:
        """Whose trades come before: what is on its way, and what was decided at this head."""
        return self._outbox.ahead(planned(judgements)) if ours else planned(judgements)
