"""Plans that the pool pays for which buys the collateral: when, how much is sold, and what that brings."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from keeper.plan.flash_swap import SLACK, FlashSwap, FlashSwaps, sold
from keeper.plan.model import Leg, Plan, Reason, Rejection, Route
from keeper.plan.planner import Planner
from keeper.plan.profit import to_usd
from keeper.plan.route import Path
from keeper.plan.sale import sell
from keeper.plan.select import ranked
from keeper.plan.strategy import GasModel, Strategy
from keeper.protocols.base import (
    Dialect,
    FlashKind,
    FlashSource,
    Instruction,
    Market,
    Opportunity,
    Reads,
    Settlement,
)
from keeper.protocols.flash import Lender
from keeper.types import MAX_UINT256, USD, WAD, ZERO_ADDRESS, Address
from tests.thin_market import ASSETS, BLOCK, POOL, NoChain, ThinMarket, ThinVenue
from tests.unit.test_plan_thin import ETHER, GAS, GAS_PRICE, Brute, Scene, scene

EXECUTOR = Address("0x" + "ee" * 20)
MORPHO = Lender(FlashKind.MORPHO, Address("0x" + "b0" * 20), {asset.address: 10**30 for asset in ASSETS})
OWNER = Lender(FlashKind.NONE, ZERO_ADDRESS, {asset.address: 10**30 for asset in ASSETS})


@dataclass
class Sources:
    """A bank with these sources."""

    sources: Sequence[FlashSource]

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        yield from ()
        return self.sources


def swapping(thin: Scene, *others: FlashSource, gas: GasModel = GAS) -> Scene:
    """The scene with an executor that knows flash swaps."""
    strategy = Strategy(1, WAD, gas=gas)
    planner = Planner(cast("Any", NoChain()), [thin.venue], strategy, [FlashSwaps(None), Sources(others)])
    return thin._replace(planner=planner)


async def burst_without_loans(thin: Scene) -> list[Plan | Rejection]:
    """What the accounts get when nobody lends."""
    market = cast("Market", thin.market)
    return await thin.planner.burst(market, BLOCK, BLOCK, thin.accounts, GAS_PRICE, ETHER, [])


class BruteSwaps(Brute):
    """Every sale over one path is also tried as a flash swap."""

    def _most(self, pair: Opportunity, size: int, paths: Sequence[Path]) -> int:
        settled = self._settle(pair, size)
        whole = super()._most(pair, size, paths)
        sales = [(path, sell(path, sold(settled.seize), self._venue.pools)) for path in paths]
        nets = [
            to_usd(found.amount_out - settled.repay, pair.debt)
            - -(-self._gas(settled, path, found.gas) * GAS_PRICE * ETHER // WAD)
            for path, found in sales
            if found
        ]
        return max([whole, *nets])

    def _gas(self, settled: Settlement, path: Path, swaps: int) -> int:
        route = Route((Leg(path.factory, path.hops, 1),), settled.seize, 1, swaps)
        return GAS.total(settled, route) - GAS.no_loan[FlashKind.FLASH_SWAP]


async def test_plan__flash_swaps_and_loans__within_a_thousandth_of_brute_force() -> None:
    kinds = {FlashKind.AAVE: 0, FlashKind.FLASH_SWAP: 0}
    for seed in range(4):
        thin = swapping(scene(seed, 20, dollars=60_000, largest=5.5))
        brute = BruteSwaps(thin)
        for result in await thin.alone():
            best = brute.best(result.account)
            if isinstance(result, Rejection):
                assert best <= 0
                continue
            assert result.profit.net_usd * 1000 >= best * 999, (seed, result.account)
            assert result.loan
            kinds[result.loan.kind] += 1
    assert min(kinds.values()) > 10, "sales over several paths borrow, over one they swap"


async def test_plan__over_one_path__sells_all_but_the_slack_and_pays_no_fee() -> None:
    thin = swapping(scene(3, 30, dollars=10**6, largest=4.5))
    plans = [plan for plan in await thin.alone() if isinstance(plan, Plan) and len(plan.route.legs) == 1]
    assert len(plans) > 10
    for plan in plans:
        [leg] = plan.route.legs
        path = Path(leg.venue, plan.opportunity.collateral.address, leg.hops)
        assert plan.loan
        assert (plan.loan.kind, plan.loan.lender, plan.profit.flash_fee) == (
            FlashKind.FLASH_SWAP,
            ZERO_ADDRESS,
            0,
        )
        assert (
            leg.amount_in
            == plan.route.amount_in
            == plan.settlement.seize - plan.settlement.seize // SLACK - 1
        )
        found = sell(path, leg.amount_in, thin.venue.pools)
        assert found
        assert plan.profit.swap_out == found.amount_out
        assert plan.profit.gross == found.amount_out - plan.settlement.repay
        assert plan.profit.gas == GAS.total(plan.settlement, plan.route) - GAS.no_loan[FlashKind.FLASH_SWAP]


@pytest.mark.parametrize(
    ("other", "spared", "kind"),
    [
        (MORPHO, 30_000, FlashKind.FLASH_SWAP),
        (MORPHO, -30_000, FlashKind.MORPHO),
        (OWNER, 30_000, FlashKind.NONE),
        (OWNER, 90_000, FlashKind.FLASH_SWAP),
    ],
)
async def test_plan__somebody_else_is_as_cheap__gas_decides(
    other: FlashSource, spared: int, kind: FlashKind
) -> None:
    gas = replace(GAS, no_loan={FlashKind.NONE: 55_000, FlashKind.FLASH_SWAP: spared})
    thin = swapping(scene(3, 30, dollars=10**6, largest=4.5), other, gas=gas)
    plans = [plan for plan in await thin.alone() if isinstance(plan, Plan) and len(plan.route.legs) == 1]
    assert {plan.loan.kind for plan in plans if plan.loan} == {kind}


async def test_burst__one_pool_and_nobody_lends__plans_where_there_were_none() -> None:
    thin = scene(13, 8, dollars=10**6, largest=4.5)
    key = min(thin.venue.pools)
    alone = thin._replace(venue=ThinVenue({key: thin.venue.pools[key]}))
    planner = Planner(cast("Any", NoChain()), [alone.venue], Strategy(1, WAD, gas=GAS))
    before = await burst_without_loans(alone._replace(planner=planner))
    assert not any(isinstance(each, Plan) for each in before)
    after = await burst_without_loans(swapping(alone))
    plans = [plan for plan in after if isinstance(plan, Plan)]
    assert plans
    assert {plan.loan.kind for plan in plans if plan.loan} == {FlashKind.FLASH_SWAP}
    rejected = [each for each in after if isinstance(each, Rejection) and each.best is None]
    assert {each.reason for each in rejected} <= {Reason.NO_ROUTE}


async def test_burst__only_flash_swaps__each_brings_exactly_what_it_says_after_the_ones_before_it() -> None:
    thin = swapping(scene(7, 40, dollars=150_000, largest=5.0, at_least=USD))
    plans = ranked(plan for plan in await burst_without_loans(thin) if isinstance(plan, Plan))
    assert len(plans) > 5
    pools = dict(thin.venue.pools)
    for plan in plans:
        [leg] = plan.route.legs
        found = sell(Path(leg.venue, plan.opportunity.collateral.address, leg.hops), leg.amount_in, pools)
        assert found
        pools |= found.after
        assert found.amount_out == plan.profit.swap_out


class SelfFunded(ThinMarket):
    """Hands the collateral out before it wants to be paid."""

    def instruction(self, _: Opportunity, __: int, ___: Settlement) -> Instruction:
        return Instruction(Dialect.MORPHO, POOL, self_funded=True)


async def test_plan__protocol_waits_for_its_money__all_is_sold_and_nobody_lends() -> None:
    thin = swapping(scene(3, 10, dollars=10**6, largest=4.5))
    waiting = SelfFunded(thin.market.opened, thin.market.bonus)
    plans = [plan for plan in await thin._replace(market=waiting).alone() if isinstance(plan, Plan)]
    assert plans
    for plan in plans:
        assert plan.loan is None
        assert plan.route.amount_in == plan.settlement.seize


def test_sold__any_amount__never_more_than_is_seized() -> None:
    assert [sold(seized) for seized in (0, 1, 2, 1000, 10**6, 10**12)] == [
        0,
        0,
        1,
        999,
        999_998,
        999_998_999_999,
    ]


def asked(bank: FlashSwaps, answer: bytes | None) -> tuple[int, Sequence[FlashSource]]:
    """How many calls the bank makes, and what it lends when each is answered so."""
    reads, calls = bank.lend([ASSETS[0].address]), 0
    try:
        batch = next(reads)
        while True:
            calls += len(batch)
            batch = reads.send([answer] * len(batch))
    except StopIteration as stop:
        return calls, stop.value


def test_flash_swaps__executor_is_older__none_until_it_is_not() -> None:
    bank = FlashSwaps(EXECUTOR)
    for answer in (None, b"", (1).to_bytes(32)):
        assert asked(bank, answer) == (1, [])
    assert asked(bank, (2).to_bytes(32)) == (1, [FlashSwap()])
    assert asked(bank, None) == (0, [FlashSwap()]), "an executor never changes"


def test_flash_swaps__no_executor_yet__nothing_is_asked() -> None:
    assert asked(FlashSwaps(None), None) == (0, [FlashSwap()])
    assert FlashSwap().available(POOL) == MAX_UINT256
    assert FlashSwap().fee(POOL, 10**30) == 0
