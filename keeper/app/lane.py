"""One deployment's way from a head to plans: index, risk, plan."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from keeper.app.desk import Change, Desk, Situation, changes
from keeper.app.vanguard import foremost, goes_alone
from keeper.index.audit import Audit, Auditor
from keeper.index.follower import Follower, Liquidated
from keeper.plan.lasting import Horizon
from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import Health, Market
from keeper.protocols.oracles.suppose import followed, supposing
from keeper.protocols.oracles.transmit import Transmission
from keeper.risk.lookout import Lookout
from keeper.risk.scan import scan
from keeper.risk.stress import usd_value
from keeper.risk.worth import uncovered
from keeper.types import Address, BlockRef, section


class Judgement(NamedTuple):
    """What one head meant for one `deployment`. `liquidatable` includes those in flight.

    `bad_debt` is what the protocol has booked and what accounts owe above their collateral, USD with 8
    decimals. `doubt` is why nothing is
    planned for a market whose book is not to be trusted. `notices` are sentences for the operator;
    `changes` is what a policy just adopted decides otherwise than the one before. Nothing is decided yet on
    those `left`, so that the others can leave at once; see `Lane.go_on`.
    """

    deployment: str
    liquidatable: list[Health]
    blind: list[Address]
    plans: list[Plan]
    rejections: list[Rejection]
    bad_debt: int
    doubt: str | None
    notices: list[str]
    changes: list[Change]
    left: list[Address]


class Expectation(NamedTuple):
    """Who becomes liquidatable when prices move as supposed, and what is decided on them."""

    crossing: list[Address]
    plans: list[Plan]
    rejections: list[Rejection]


class Lane:
    """Keeps one deployment's index at the head and judges its accounts."""

    def __init__(
        self,
        follower: Follower,
        desk: Desk | None,
        auditor: Auditor | None,
    ) -> None:
        self._follower = follower
        self._desk = desk
        self._former: Desk | None = None
        self._open: tuple[Situation, list[Plan | Rejection]] | None = None
        self._auditor = auditor
        self._liquidatable: frozenset[Address] = frozenset()
        self._lookout = Lookout()
        self._judged: Any = None
        self._started = False
        self._synced = False

    @property
    def market(self) -> Market:
        return self._follower.market

    @property
    def quarantined(self) -> frozenset[Address]:
        """Accounts and assets that disagreed with the chain and could not be mended."""
        return self._auditor.quarantined if self._auditor else frozenset()

    @property
    def cursor(self) -> BlockRef | None:
        """The block the index stands at, None before it has been at a head."""
        return self._follower.cursor if self._synced else None

    async def follow(self, head: BlockRef) -> None:
        """Bring the index to `head`; the first time, restore it.

        Raises:
            Transient: try again with the next head.
        """
        if not self._started:
            await self._follower.start(head)
            self._started = True
        await self._follower.follow(head)
        self._synced = True

    @property
    def known(self) -> int:
        """Accounts in the book."""
        return len(self.market.book.accounts()) if self._started else 0

    @property
    def liquidations(self) -> list[Liquidated]:
        """What the last `follow` saw, ours and others'."""
        return self._follower.liquidations

    @property
    def undone(self) -> int:
        """Blocks that the last `follow` took back."""
        return self._follower.undone

    async def judge(
        self,
        head: BlockRef,
        timestamp: int,
        gas_price: int,
        native_price: int,
        in_flight: Collection[tuple[str, Address]],
        *,
        ahead: Sequence[Plan] = (),
        markets: Sequence[Market] = (),
        patience: int = 0,
    ) -> Judgement:
        """Judge every account as the contracts will in a block at `timestamp`, plan for the liquidatable.

        Where one of several is worth it, for that one alone: see `go_on`.

        What is planned may land up to `patience` seconds after that. The plans `ahead` of other deployments
        trade first in the pools that all share. The `markets` at the head may lend what is repaid.

        Raises:
            Transient: quotes could not be read.
        """
        market = self.market
        frame = market.frame(timestamp)
        found = scan(market, frame, self._lookout)
        self._judged = frame
        self._liquidatable = frozenset(health.account for health in found.liquidatable)
        free = [
            health.account
            for health in found.liquidatable
            if (market.deployment, health.account) not in in_flight and not self._doubts(health.account)
        ]
        outcomes: list[Plan | Rejection] = []
        left: list[Address] = []
        changed: list[Change] = []
        if self._desk is not None and market.doubt is None:
            later = Horizon.of(market, timestamp + patience) if free and patience else None
            now = Situation(head, frame, gas_price, native_price, markets, later)
            first = None if self._former else foremost(found.liquidatable, free)
            outcomes, left = await self._decide(self._desk, free, first, now, ahead)
            self._open = now, outcomes
            if self._former is not None:
                changed = changes(await self._former.decide(market, free, now, ahead), outcomes)
                self._former = None
        return Judgement(
            market.deployment,
            found.liquidatable,
            found.blind,
            self._steps(outcomes),
            _rejected(outcomes),
            usd_value(market, market.bad_debt()) + uncovered(market, found.liquidatable, frame),
            market.doubt,
            market.notices(),
            changed,
            left,
        )

    async def _decide(
        self,
        desk: Desk,
        accounts: Sequence[Address],
        first: Address | None,
        now: Situation,
        ahead: Sequence[Plan],
    ) -> tuple[list[Plan | Rejection], list[Address]]:
        """What is decided on `first`, and who is left for later, where that is worth it; else on all."""
        outcomes: list[Plan | Rejection] = []
        others = list(accounts)
        if first is not None:
            outcomes = await desk.decide(self.market, [first], now, ahead)
            others.remove(first)
            if any(map(goes_alone, outcomes)):
                return outcomes, others
            if self._steps(outcomes):  # they share their gas, and are better ordered together
                outcomes, others = [], list(accounts)
        return outcomes + await desk.decide(self.market, others, now, ahead), []

    async def go_on(self, judgement: Judgement, ahead: Sequence[Plan]) -> Judgement:
        """`judgement` with what is decided on those whom it left, behind the plans `ahead`.

        Raises:
            Transient: quotes could not be read.
        """
        if not judgement.left or self._open is None or self._desk is None:
            return judgement
        now, outcomes = self._open
        more = await self._desk.decide(self.market, judgement.left, now, ahead)
        self._open = now, [*outcomes, *more]
        return judgement._replace(
            plans=[*judgement.plans, *self._steps(more)],
            rejections=[*judgement.rejections, *_rejected(more)],
            left=[],
        )

    async def anticipate(
        self,
        supposed: Sequence[Transmission],
        head: BlockRef,
        timestamp: int,
        gas_price: int,
        native_price: int,
        *,
        in_flight: Collection[tuple[str, Address]],
        ahead: Sequence[Plan] = (),
    ) -> Expectation:
        """Plan for the accounts that `supposed`, mined at `timestamp`, makes liquidatable.

        Those that were at the last head are its judgement's business. Raises as `judge`.
        """
        market = self.market
        with supposing(market.book, supposed, timestamp):
            now = Situation(head, market.frame(timestamp), gas_price, native_price)
        found = [health.account for health in scan(market, now.frame).liquidatable]
        crossing = [account for account in found if account not in self._liquidatable]
        free = [
            account
            for account in crossing
            if (market.deployment, account) not in in_flight and not self._doubts(account)
        ]
        if self._desk is None or market.doubt is not None or not free:
            return Expectation(crossing, [], [])
        outcomes = await self._desk.decide(market, free, now, ahead)
        return Expectation(
            crossing,
            [each for each in outcomes if isinstance(each, Plan) and not self.quarantined & _assets(each)],
            [each for each in outcomes if isinstance(each, Rejection)],
        )

    async def reconsider(self) -> list[Plan]:
        """Plans after all for accounts that the last judgement rejected, once; see Desk.reconsider."""
        last, self._open = self._open, None
        if last is None or self._desk is None:
            return []
        now, outcomes = last
        plans = await self._desk.reconsider(self.market, outcomes, now)
        return [plan for plan in plans if not self.quarantined & _assets(plan)]

    def moved_by(self, aggregator: Address) -> bool:
        """Whether an answer of `aggregator` moves a price of this deployment."""
        return self._started and followed(self.market.book, aggregator)

    def rest(self) -> None:
        """What makes the next judgement faster, done while nothing waits for it."""
        if self._judged is not None:
            self._lookout.rest(self.market, self._judged)

    def adopt(self, desk: Desk | None) -> None:
        """Decide by another policy from now on; the next judgement tells what that changes."""
        self._former, self._desk = self._desk, desk

    async def audit(self, head: BlockRef) -> Audit | None:
        """Compare a slice of the index with the chain at `head`; None when the index is elsewhere.

        Raises:
            Transient: the chain did not answer; nothing is concluded.
        """
        if self._auditor is None or self._follower.cursor.hash != head.hash:
            return None
        return await self._auditor.turn(self.market, head)

    def _steps(self, outcomes: Sequence[Plan | Rejection]) -> list[Plan]:
        """Every liquidation that is planned, but for those with assets that disagreed with the chain."""
        doubtful = self.quarantined
        return [
            step
            for plan in outcomes
            if isinstance(plan, Plan) and not doubtful & _assets(plan)
            for step in plan.steps
        ]

    def _doubts(self, account: Address) -> bool:
        """Whether the account, or its market, disagreed with the chain."""
        return bool({account, section(account)} & self.quarantined)

    async def save(self, finalized: int) -> None:
        """Store a snapshot of the index."""
        if self._started:
            await self._follower.save(finalized)


def planned(judgements: Sequence[Judgement]) -> list[Plan]:
    """Every liquidation that `judgements` plan."""
    return [plan for judgement in judgements for plan in judgement.plans]


def _rejected(outcomes: Sequence[Plan | Rejection]) -> list[Rejection]:
    return [outcome for outcome in outcomes if isinstance(outcome, Rejection)]


def _assets(plan: Plan) -> frozenset[Address]:
    return frozenset({plan.opportunity.debt.address, plan.opportunity.collateral.address})
