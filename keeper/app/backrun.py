"""Liquidations behind oracle updates that still wait for a block.

An update is seen, what it will make the market's prices is derived, who crosses is planned for, and the plans
are placed behind it; then it is followed until it is mined or gone.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from keeper.app.expected import Expectations, Expected
from keeper.app.fates import Fates
from keeper.app.forecast import Forecaster
from keeper.execute.behind import Behind, dearest, obstacle
from keeper.execute.confirm import receipt_of
from keeper.execute.dispatch import Dispatcher
from keeper.execute.executor import Executor
from keeper.execute.model import Transaction
from keeper.ops.metrics import UpdateFate
from keeper.plan.model import Plan, Rejection
from keeper.ports import ChainWriter, PendingTransaction, Receipt, Rehearsal
from keeper.protocols.oracles.transmit import decode
from keeper.types import Address, BlockRef, Hash, checksum

PATIENCE = 2
"""Heads without the update after which ours is withdrawn: what we send later waits behind it."""

EXPIRY = 50
"""Blocks after which an update that nobody mines is forgotten."""


class Source(ChainWriter, Rehearsal, Protocol):
    """What this needs from the chain."""


class Prospect(NamedTuple):
    """Plans to be placed behind an expected update."""

    expected: Expected
    plans: list[Plan]
    rejections: list[Rejection]
    behind: Behind


class Backrunner:
    """Expects updates of the aggregators that move a price of `forecaster`.

    `operator` sends what `executor` carries out. `bundles`: update and liquidation go to block builders in
    one piece, instead of through the mempool.
    Not for concurrent use: the daemon calls it between the steps of its turns.
    """

    def __init__(
        self,
        chain: Source,
        forecaster: Forecaster,
        dispatcher: Dispatcher,
        executor: Executor,
        operator: Address,
        *,
        bundles: bool,
        fates: Fates,
    ) -> None:
        self._chain = chain
        self._forecaster = forecaster
        self._dispatcher = dispatcher
        self._executor = executor
        self._operator = operator
        self._bundles = bundles
        self._fates = fates
        self._expected = Expectations()

    def wants(self, transaction: PendingTransaction) -> bool:
        """Whether a pending transaction moves a price here, or takes the place of one that does."""
        found = decode(*transaction.call)
        if found is not None and self._forecaster.moves(found.aggregator):
            return True
        return bool(self._expected.rivals(transaction))

    async def meet(self, transaction: PendingTransaction, head: BlockRef, timestamp: int) -> Prospect | None:
        """Expect a pending transaction that is wanted; what to place behind it if anything.

        `timestamp` in seconds is when the block after `head` is expected.

        Raises:
            Transient: no node answered.
        """
        found = decode(*transaction.call)
        if found is None or not self._forecaster.moves(found.aggregator):
            for rival in self._expected.rivals(transaction):
                await self._give_up(rival, f"{transaction.hash} takes its place", head)
            return None
        expected = Expected(transaction, found, head.number)
        for gone in self._expected.add(expected):
            await self._give_up(gone, "another takes its place", head)
        self._fates.count(UpdateFate.SEEN)
        return await self._consider(expected, head, timestamp)

    async def on_head(self, head: BlockRef) -> None:
        """See which updates were mined, and let go, or take back, what was placed behind them.

        Raises:
            Transient: no node answered; asked again at the next head.
        """
        for each in self._expected:
            if await self._chain.nonce(each.update.sender, head) > each.update.nonce:
                await self._mined(each, head)
            elif each.ours and not self._bundles and head.number >= each.sent + PATIENCE:
                await self._withdraw(each, f"not mined by block {head.number}", head)
            elif not await self._chain.knows(each.update.hash):
                await self._give_up(each, "no node knows it any more", head)
            elif head.number > each.since + EXPIRY:
                await self._give_up(each, f"not mined in {EXPIRY} blocks", head)

    async def again(self, head: BlockRef, timestamp: int) -> list[Prospect]:
        """What a new head allows to be placed behind updates that still wait. Raises as `meet`."""
        waiting = [each for each in self._expected if not each.ours or self._bundles]
        prospects = [await self._consider(each, head, timestamp) for each in waiting]
        return [prospect for prospect in prospects if prospect is not None]

    def sent(self, prospect: Prospect, transaction: Transaction) -> None:
        """`transaction` carries plans of `prospect` and is on its way."""
        expected = prospect.expected
        expected.ours.append(transaction)
        expected.sent = prospect.behind.head.number
        self._fates.count(UpdateFate.SENT)

    async def _consider(self, expected: Expected, head: BlockRef, timestamp: int) -> Prospect | None:
        front = self._expected.front(expected)
        update = expected.update
        mined = await self._chain.nonce(update.sender, head)
        told = expected.obstacle
        expected.obstacle = obstacle(update, self._expected.next_nonce(update.sender, mined, front), head)
        if expected.obstacle is not None:
            if expected.obstacle != told:
                self._fates.count(UpdateFate.NOT_EXECUTABLE)
                self._tell(expected, head, reason=expected.obstacle)
            return None
        behind = Behind(
            updates=(*(each.update for each in front), update),
            head=head,
            timestamp=timestamp,
            rehearsal=self._chain,
            executor=self._executor,
            operator=self._operator,
            nonce=await self._chain.nonce(self._operator, head),
            front=await self._front((*(each.update for each in front), update)),
        )
        return await self._plan(expected, front, behind)

    async def _front(self, updates: Sequence[PendingTransaction]) -> tuple[bytes | Hash, ...]:
        """The updates for a bundle, where that is how ours gets behind them."""
        if not self._bundles:
            return ()
        return tuple([await self._chain.raw_transaction(each.hash) or each.hash for each in updates])

    async def _plan(self, expected: Expected, front: Sequence[Expected], behind: Behind) -> Prospect | None:
        """Ask every deployment that the update concerns who crosses, and what that is worth."""
        head, update = behind.head, expected.update
        crossing, plans, rejections = await self._forecaster.expect(
            [expected.transmission.aggregator],
            [each.transmission for each in (*front, expected)],
            head,
            behind.timestamp,
            min(update.cap, dearest(head) + update.tip),
        )
        self._tell(expected, head, crossing=[checksum(each) for each in crossing], plans=len(plans))
        self._fates.crossing(len(crossing))
        return Prospect(expected, plans, rejections, behind) if plans or rejections else None

    async def _mined(self, each: Expected, head: BlockRef) -> None:
        """The nonce of an update is used: by itself, or by what took its place."""
        receipt = await self._chain.receipt(each.update.hash)
        if receipt is None or not receipt.succeeded:
            why = "its sender mined something else" if receipt is None else "it was mined and failed"
            await self._give_up(each, why, head)
            return
        self._expected.remove(each)
        for transaction in each.ours:
            self._dispatcher.let_go(transaction)
            await self._judge(each, transaction, receipt)

    async def _judge(self, each: Expected, transaction: Transaction, update: Receipt) -> None:
        """Say where ours came in relative to the update."""
        ours = await receipt_of(transaction, self._chain)
        places = None if ours is None or not update.logs else self._fates.places(update.logs[0], ours)
        fate = UpdateFate.LATE if places is None else UpdateFate.BEHIND
        self._result(each, [transaction], fate, update.block, places=places)

    async def _give_up(self, each: Expected, why: str, head: BlockRef) -> None:
        self._expected.remove(each)
        if each.ours:
            await self._withdraw(each, why, head)

    async def _withdraw(self, each: Expected, why: str, head: BlockRef) -> None:
        ours, each.ours = each.ours, []
        for transaction in ours:
            if transaction.until is None:
                await self._dispatcher.withdraw(transaction)
            else:  # a bundle ends by itself, but perhaps not soon enough
                await self._dispatcher.recall(transaction)
        self._result(each, ours, UpdateFate.WITHDRAWN, head.number, reason=why)

    def _tell(self, each: Expected, head: BlockRef, **more: object) -> None:
        """An update, and what is made of it."""
        transmission = each.transmission
        self._fates.update(
            head, transmission.aggregator, transmission.price, tx_hash=each.update.hash, **more
        )

    def _result(
        self, each: Expected, ours: Iterable[Transaction], fate: UpdateFate, block: int, **more: object
    ) -> None:
        """What became of ours."""
        for transaction in ours:
            self._fates.result(each.update.hash, transaction, fate, block, **more)
