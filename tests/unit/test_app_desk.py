"""What a decision is made of: lenders of all deployments, guards over what the planner says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from keeper.app.desk import Desk, Situation, lenders, told
from keeper.plan.guards import Guards
from keeper.plan.model import Plan, Reason, Rejection
from keeper.protocols.base import FlashKind, Market
from keeper.protocols.flash import Lender
from keeper.types import Address
from tests.execute_samples import POOL, USDC, account, block_ref, sample_plan

AAVE = Lender(FlashKind.AAVE, POOL, {USDC.address: 10**12})
MORPHO = Lender(FlashKind.MORPHO, account(0xB0), {USDC.address: 10**12})


@dataclass(frozen=True)
class Deployment:
    """A market as far as a desk looks at it."""

    sources: Sequence[Lender] = ()
    doubt: str | None = None

    def flash_sources(self) -> Sequence[Lender]:
        return self.sources

    def borrower(self, who: Address) -> Address:
        return who


class Fixed:
    """A planner that plans for everybody and remembers whom it may borrow from."""

    def __init__(self) -> None:
        self.sources: list[Any] = []

    async def burst(self, *asked: Any) -> list[Plan | Rejection]:
        accounts, self.sources = asked[3], asked[6]
        return [sample_plan(int(each, 16)) for each in accounts]


def test_lenders__several_deployments__all_but_those_in_doubt() -> None:
    markets = [Deployment((AAVE,)), Deployment(), Deployment((MORPHO,)), Deployment((AAVE,), "it drifts")]
    assert lenders(cast("list[Market]", markets)) == [AAVE, MORPHO]


async def test_decide__market_without_lenders__borrows_from_the_others_and_obeys_the_guards() -> None:
    planner = Fixed()
    desk = Desk(cast("Any", planner), Guards(deny=frozenset({account(2)})), None)
    now = Situation(block_ref(100), None, 10**9, 1, [AAVE, MORPHO])
    kept, denied = await desk.decide(cast("Market", Deployment()), [account(1), account(2)], now)
    assert planner.sources == [AAVE, MORPHO]
    assert kept == sample_plan(1)
    assert isinstance(denied, Rejection)
    assert denied.reason is Reason.DENIED
    assert told(kept) == "liquidate for $49.00"
    assert told(denied).startswith("denied: guards.deny has")
