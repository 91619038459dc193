"""Where liquidatable accounts become plans that may go out: planner, guards and quorum in one."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from keeper.plan.confirm import Confirmer
from keeper.plan.guards import Guards
from keeper.plan.model import Plan, Rejection
from keeper.plan.planner import Planner
from keeper.plan.verdict import dollars
from keeper.protocols.base import FlashSource, Market
from keeper.types import Address, BlockRef


class Situation(NamedTuple):
    """What a decision depends on besides the market: `gas_price` in wei, `native_price` in USD.

    `sources` lend what is repaid, the market's own among them; None: only those.
    """

    head: BlockRef
    frame: Any
    gas_price: int
    native_price: int
    sources: Sequence[FlashSource] | None = None


def lenders(markets: Iterable[Market]) -> list[FlashSource]:
    """Everybody who lends for a transaction: a deployment's lenders serve all; one in doubt lends nothing."""
    return [source for market in markets if market.doubt is None for source in market.flash_sources()]


class Change(NamedTuple):
    """What another policy decides of an account: both decisions in words."""

    account: Address
    before: str
    after: str


class Desk:
    """Decides under one policy of the operator; a reload makes a new one."""

    def __init__(self, planner: Planner, guards: Guards, confirmer: Confirmer | None) -> None:
        self._planner = planner
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
            market, now.frame, now.head, accounts, now.gas_price, now.native_price, now.sources, ahead
        )
        outcomes = self._guards.sift(market, now.frame, outcomes)
        if self._confirmer is None:
            return outcomes
        return await self._confirmer.sift(market, now.head, outcomes)

    async def reconsider(
        self, market: Market, outcomes: Sequence[Plan | Rejection], now: Situation
    ) -> list[Plan]:
        """Plans after all for some of the rejected, by asking who takes longer to answer."""
        rejections = [each for each in outcomes if isinstance(each, Rejection)]
        plans = await self._planner.reconsider(
            market, now.frame, now.head, rejections, now.gas_price, now.native_price, now.sources
        )
        kept = self._guards.sift(market, now.frame, plans)
        if self._confirmer is not None:
            kept = await self._confirmer.sift(market, now.head, kept)
        return [each for each in kept if isinstance(each, Plan)]


def changes(before: Sequence[Plan | Rejection], after: Sequence[Plan | Rejection]) -> list[Change]:
    """What differs between two decisions on the same accounts."""
    pairs = zip(before, after, strict=True)
    return [Change(old.account, told(old), told(new)) for old, new in pairs if told(old) != told(new)]


def told(outcome: Plan | Rejection) -> str:
    """A decision in words."""
    if isinstance(outcome, Plan):
        return f"liquidate for {dollars(outcome.profit.net_usd)}"
    return f"{outcome.reason.value}: {outcome.detail}"
