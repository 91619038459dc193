"""Liquidations behind oracle updates that only a relay knows, and of which it gives hints.

A hint names the update by a hash and tells its price. Who crosses at that price is planned for, rehearsed as
if the aggregator answered with it, and sent in one bundle with that hash to the relay, for the next block
alone; again at every head, until the update is mined or its time is over. Nothing ever goes public.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from keeper.app.fates import Fates, last_hash
from keeper.app.forecast import Forecaster
from keeper.app.hinted_update import Hinted, HintedRelay, Sighting, Teller, last_before, tellers
from keeper.chain.hints import HintResult, Told
from keeper.execute.confirm import receipt_of
from keeper.execute.dispatch import Dispatcher
from keeper.execute.executor import Executor
from keeper.execute.hinted import BehindHint, Supposed, behind_hint
from keeper.execute.model import Transaction
from keeper.ops.metrics import UpdateFate
from keeper.plan.model import Plan, Rejection
from keeper.ports import AlteredRehearsal, ChainReader, ChainWriter, Receipt
from keeper.protocols.oracles.hinted import Contradiction, transmissions
from keeper.protocols.oracles.stand_in import stand_ins
from keeper.protocols.oracles.transmit import Transmission
from keeper.relay_ports import Hint
from keeper.types import Address, BlockRef, Hash, checksum

CAPACITY = 16
"""Updates expected at once; the oldest is given up first."""

_BUSY = "transactions of ours wait, and a relay takes one behind a hint"


class Source(ChainReader, ChainWriter, AlteredRehearsal, Protocol):
    """What this needs from the chain."""


Objection = Callable[[BlockRef], Awaitable[str | None]]


class HintProspect(NamedTuple):
    """Plans to be placed behind a hinted update."""

    hinted: Hinted
    plans: list[Plan]
    rejections: list[Rejection]
    behind: BehindHint


class HintRunner:
    """Expects what hints tell of the aggregators that move a price of `forecaster`.

    `relays` are those of the streams, in their order. `operator` sends what `executor` carries out. An update
    is expected for `life` blocks. `objection` tells why nothing may be sent at a head, None if it may.
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
        relays: Sequence[HintedRelay],
        life: int,
        objection: Objection,
        fates: Fates,
    ) -> None:
        self._chain = chain
        self._forecaster = forecaster
        self._dispatcher = dispatcher
        self._executor = executor
        self._operator = operator
        self._relays = relays
        self._life = life
        self._objection = objection
        self._fates = fates
        self._expected: dict[Hash, Hinted] = {}
        self._codes: dict[Address, bytes] = {}

    def judge(self, hint: Hint) -> HintResult:
        """Whether a hint tells of a price here; quick, for it sees every hint of the streams."""
        try:
            found = transmissions(hint)
        except Contradiction:
            return HintResult.CONTRADICTORY
        if not found:
            return HintResult.NO_PRICE
        return HintResult.TAKEN if any(map(self._moves, found)) else HintResult.UNKNOWN

    async def meet(self, told: Told, head: BlockRef, timestamp: int) -> HintProspect | None:
        """Expect what a hint that was taken tells; what to place behind it if anything.

        `timestamp` in seconds is when the block after `head` is expected.

        Raises:
            Transient: no node answered.
        """
        found = [each for each in transmissions(told.hint) if self._moves(each)]
        hinted = Hinted(self._relays[told.stream], told.hint, found, head.number, head.number)
        if not found or told.hint.hash in self._expected:
            return None
        if len(self._expected) >= CAPACITY:
            self._give_up(next(iter(self._expected.values())), "too many others are expected", head)
        self._expected[told.hint.hash] = hinted
        self._fates.count(UpdateFate.SEEN)
        return await self._consider(hinted, head, timestamp)

    async def on_head(self, head: BlockRef) -> None:
        """See which updates were mined, and what became of ours.

        Raises:
            Transient: no node answered; asked again at the next head.
        """
        sightings = [await self._look(each, head) for each in self._expected.values()]
        receipts = {each.id: await receipt_of(each, self._chain) for each in self._placed}
        judged = tellers(sightings, receipts)
        for each in judged:
            self._judge(each, receipts[each.transaction.id], head)
        told = {each.sighting.hinted.hint.hash for each in judged if receipts[each.transaction.id]}
        for sighting in sightings:
            self._conclude(sighting, head, landed=sighting.hinted.hint.hash in told)

    async def again(self, head: BlockRef, timestamp: int) -> list[HintProspect]:
        """What a new head allows to be placed behind updates that still wait, the newest first.

        Plans for one of them: what is sent behind it takes the only place. Raises as `meet`.
        """
        prospects: list[HintProspect] = []
        for each in reversed(list(self._expected.values())):
            prospect = await self._consider(each, head, timestamp)
            prospects += [] if prospect is None else [prospect]
            if prospect is not None and prospect.plans:
                break
        return prospects

    async def spread(self, head: BlockRef, timestamp: int) -> None:
        """Offer what was placed behind one update also behind the others. Raises as `meet`."""
        for each in list(self._expected.values()):
            if not each.ours and self._placed:
                await self._share(each, await self._behind(each, head, timestamp))

    def sent(self, prospect: HintProspect, transaction: Transaction) -> None:
        """`transaction` carries plans of `prospect` and is on its way."""
        prospect.hinted.ours.append(transaction)
        self._fates.count(UpdateFate.SENT)

    @property
    def _placed(self) -> list[Transaction]:
        """What waits behind any update for the next block."""
        return [transaction for each in self._expected.values() for transaction in each.ours]

    def _moves(self, transmission: Transmission) -> bool:
        return self._forecaster.moves(transmission.aggregator)

    async def _consider(self, hinted: Hinted, head: BlockRef, timestamp: int) -> HintProspect | None:
        behind = await self._behind(hinted, head, timestamp)
        if self._dispatcher.idle:
            hinted.obstacle = ""
            return await self._plan(hinted, behind)
        if not await self._share(hinted, behind) and hinted.obstacle != _BUSY:
            hinted.obstacle = _BUSY
            self._fates.count(UpdateFate.NOT_EXECUTABLE)
            self._tell(hinted, head, reason=_BUSY)
        return None

    async def _share(self, hinted: Hinted, behind: BehindHint) -> bool:
        """Offer what is placed behind another update also behind `hinted`: a block can have it once only.

        Of an update that is told a second time, or that a newer one replaces, only one will be mined.
        """
        for transaction in self._placed:
            if await self._objection(behind.head) is None and await self._dispatcher.share(
                transaction, behind
            ):
                hinted.ours.append(transaction)
                self._fates.count(UpdateFate.SENT)
                self._tell(hinted, behind.head, shared=last_hash(transaction))
                return True
        return False

    async def _behind(self, hinted: Hinted, head: BlockRef, timestamp: int) -> BehindHint:
        return behind_hint(
            hinted.hint.hash,
            hinted.relay.relay,
            head,
            timestamp,
            Supposed(self._chain, await self._stand_ins(hinted, head, timestamp)),
            self._executor,
            self._operator,
            await self._chain.nonce(self._operator, head),
            await self._chain.priority_fee(),
        )

    async def _stand_ins(self, hinted: Hinted, head: BlockRef, timestamp: int) -> dict[Address, bytes]:
        for aggregator in hinted.aggregators - self._codes.keys():
            self._codes[aggregator] = await self._chain.code(aggregator, head)
        return stand_ins(hinted.transmissions, self._codes, timestamp)

    async def _plan(self, hinted: Hinted, behind: BehindHint) -> HintProspect | None:
        """Ask every deployment that the update concerns who crosses, and what that is worth."""
        head, quote = behind.head, behind.quote
        crossing, plans, rejections = await self._forecaster.expect(
            hinted.aggregators, hinted.transmissions, head, behind.timestamp, quote.base_fee + quote.tip
        )
        self._tell(hinted, head, crossing=[checksum(each) for each in crossing], plans=len(plans))
        self._fates.crossing(len(crossing))
        return HintProspect(hinted, plans, rejections, behind) if plans or rejections else None

    async def _look(self, each: Hinted, head: BlockRef) -> Sighting:
        """What the blocks up to `head` say of an update."""
        first = min(each.seen, head.number - 1) + 1  # a block may have taken the place of the last one
        logs = await self._chain.logs(sorted(each.aggregators), first, head.number)
        return Sighting(each, next((log for log in logs if each.is_in(log)), None), logs)

    def _judge(self, told: Teller, ours: Receipt | None, head: BlockRef) -> None:
        """Say where ours came in relative to the update."""
        each, update = told.sighting.hinted, told.sighting.update
        if ours is None:
            fate = UpdateFate.EXPIRED if update is None else UpdateFate.LATE
            self._fates.result(each.hint.hash, told.transaction, fate, head.number)
            return
        update = update or last_before(ours, told.sighting.logs)  # ours is nowhere without it
        places = None if update is None else self._fates.places(update, ours)
        self._fates.result(each.hint.hash, told.transaction, UpdateFate.BEHIND, ours.block, places=places)

    def _conclude(self, sighting: Sighting, head: BlockRef, *, landed: bool) -> None:
        """Expect it no longer, if it was mined or cannot be any more. What was placed behind it is told."""
        each = sighting.hinted
        each.seen, each.ours = head.number, []
        if sighting.update is not None or landed:
            del self._expected[each.hint.hash]
        elif any(each.outdates(log) for log in sighting.logs):
            self._give_up(each, "another answer came first", head)
        elif head.number >= each.since + self._life:
            self._give_up(each, f"not mined by block {head.number}", head)

    def _give_up(self, each: Hinted, why: str, head: BlockRef) -> None:
        del self._expected[each.hint.hash]
        for transaction in each.ours:
            self._fates.result(each.hint.hash, transaction, UpdateFate.WITHDRAWN, head.number, reason=why)
        self._tell(each, head, reason=f"no longer expected: {why}")

    def _tell(self, each: Hinted, head: BlockRef, **more: object) -> None:
        """An update, and what is made of it."""
        told = {"hint": each.hint.hash, "relay": each.relay.host, **more}
        for transmission in each.transmissions:
            self._fates.update(head, transmission.aggregator, transmission.price, **told)
