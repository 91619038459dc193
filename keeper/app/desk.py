"""Where liquidatable accounts become plans that may go out: planner, guards and quorum in one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from keeper.app.bids import Bidder
from keeper.plan.confirm import Confirmer
from keeper.plan.guards import Guards
from keeper.plan.lasting import Horizon
from keeper.plan.model import Plan, Rejection
from keeper.plan.planner import Planner
from keeper.plan.verdict import dollars
from keeper.protocols.base import FlashSource, Market
from keeper.types import Address, BlockRef


class Situation(NamedTuple):
    """What a decision depends on besides the market: `gas_price` in wei, `native_price` in USD.

    `markets` are all that are at the head: each may lend for the liquidations of the others. `later` is the
    last block that a transaction may wait for; None: only the next one counts.
    """

    head: BlockRef
    frame: Any
    gas_price: int
    native_price: int
    markets: Sequence[Market] = ()
    later: Horizon | None = None


class Change(NamedTuple):
    """What another policy decides of an account: both decisions in words."""

    account: Address
    before: str
    after: str


class Desk:
    """Decides under one policy of the operator; a reload makes a new one."""

    def __init__(
        self,
        planner: Planner,
        guards: Guards,
        confirmer: Confirmer | None,
        bidder: Bidder | None = None,
    ) -> None:
        self._planner = planner
        self._bidder = bidder
        self._guards = guards
        self._confirmer = confirmer

    async def decide(
        self, market: Market, accounts: Sequence[Address], now: Situation, ahead: Sequence[Plan] = ()
    ) -> list[Plan | Rejection]:
        """A plan or a rejection for each of `accounts`, in their order.

        The plans are quoted in turn, after the plans `ahead` that other markets' accounts got.

        Raises:
            Transient: quotes could not be read.
        """
        outcomes = await self._planner.burst(
            market,
            now.frame,
            now.head,
            accounts,
            now.gas_price,
            now.native_price,
            _sources(market, now) if accounts else (),
            ahead,
            now.later,
        )
        return await self._approve(market, now, outcomes)

    async def reconsider(
        self, market: Market, outcomes: Sequence[Plan | Rejection], now: Situation
    ) -> list[Plan]:
        """Plans after all for some of the rejected, by asking who takes longer to answer."""
        rejections = [each for each in outcomes if isinstance(each, Rejection)]
        plans = await self._planner.reconsider(
            market,
            now.frame,
            now.head,
            rejections,
            now.gas_price,
            now.native_price,
            _sources(market, now) if rejections else (),
        )
        kept = await self._approve(market, now, plans)
        return [each for each in kept if isinstance(each, Plan)]

    async def _approve(
        self, market: Market, now: Situation, outcomes: Sequence[Plan | Rejection]
    ) -> list[Plan | Rejection]:
        """What guards and quorum let pass, with its bids."""
        kept = self._guards.sift(market, now.frame, outcomes)
        if self._confirmer is not None:
            kept = await self._confirmer.sift(market, now.head, kept)
        return kept if self._bidder is None else await self._bidder.bid(kept)


def _sources(market: Market, now: Situation) -> list[FlashSource]:
    """Who lends for `market`: its own deployment first, then the others whose books can be trusted."""
    others = [each for each in now.markets if each is not market and each.doubt is None]
    return [source for each in (market, *others) for source in each.flash_sources()]


def changes(before: Sequence[Plan | Rejection], after: Sequence[Plan | Rejection]) -> list[Change]:
    """What differs between two decisions on the same accounts."""
    pairs = zip(before, after, strict=True)
    return [Change(old.account, told(old), told(new)) for old, new in pairs if told(old) != told(new)]


def told(outcome: Plan | Rejection) -> str:
    """A decision in words."""
    if isinstance(outcome, Plan):
        return f"liquidate for {dollars(outcome.profit.net_usd)}"
    return f"{outcome.reason.value}: {outcome.detail}"
