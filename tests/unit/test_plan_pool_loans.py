"""Pools that lend what is repaid: never one that the sale trades in, never more than others leave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import pytest

from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.planner import Planner
from keeper.plan.route import Path, PoolKey, Pools, keys
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3.lending import PoolLender
from keeper.protocols.base import FlashKind, FlashSource, Market, Reads
from keeper.types import WAD, Address
from tests.thin_market import BLOCK, NoChain, ThinVenue
from tests.unit.test_plan_thin import ETHER, GAS, GAS_PRICE, Scene, scene

AAVE = Address("0x" + "ab" * 20)


def addresses(pools: Pools) -> Mapping[PoolKey, Address]:
    return {key: Address(f"0x{0xB0_0000 + number:040x}") for number, key in enumerate(sorted(pools))}


@dataclass
class PoolBank:
    """The venue's pools, each with `cash` of both its tokens."""

    pools: Pools
    cash: int = 10**30

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        yield from ()
        return [
            PoolLender(key, address, token, self.cash)
            for key, address in addresses(self.pools).items()
            for token in (key.token0, key.token1)
            if token in tokens
        ]


async def burst(thin: Scene, bank: PoolBank) -> list[Plan | Rejection]:
    """What the accounts get when nobody but the bank lends."""
    planner = Planner(cast("Any", NoChain()), [thin.venue], Strategy(1, WAD, gas=GAS), [bank])
    market = cast("Market", thin.market)
    return await planner.burst(market, BLOCK, BLOCK, thin.accounts, GAS_PRICE, ETHER, [])


def traded(plan: Plan) -> set[PoolKey]:
    token = plan.opportunity.collateral.address
    return {key for leg in plan.route.legs for key in keys(Path(leg.venue, token, leg.hops))}


async def test_burst__only_pools_lend__the_cheapest_that_its_own_sale_leaves_unlocked() -> None:
    thin = scene(11, 40, dollars=10**6, largest=4.5)
    named = addresses(thin.venue.pools)
    plans = [found for found in await burst(thin, PoolBank(thin.venue.pools)) if isinstance(found, Plan)]
    assert len(plans) > 20
    dearer = 0
    for plan in plans:
        debt, locked = plan.opportunity.debt.address, traded(plan)
        fees = {key.fee for key in named if debt in key and key not in locked}
        assert plan.loan is not None
        assert plan.loan.kind is FlashKind.UNISWAP_V3
        assert plan.loan.lender not in {named[key] for key in locked}
        assert plan.profit.flash_fee == -(-plan.request * min(fees) // 10**6)
        dearer += min(fees) > min(key.fee for key in named if debt in key)
    assert dearer, "some sale locks the pool that asks least"


async def test_burst__pools_hold_little__nobody_borrows_what_earlier_sales_took() -> None:
    thin = scene(12, 40, dollars=10**6, largest=4.5)
    named, cash = addresses(thin.venue.pools), 30_000 * WAD
    results = await burst(thin, PoolBank(thin.venue.pools, cash))
    plans = sorted((found for found in results if isinstance(found, Plan)), key=lambda plan: plan.turn)
    assert len(plans) > 10
    gone: dict[tuple[Address, Address], int] = {}
    for plan in plans:
        debt, loan = plan.opportunity.debt.address, plan.loan
        assert loan is not None
        assert gone.get((loan.lender, debt), 0) + plan.request <= cash
        for key in traded(plan):
            place = named[key], debt
            gone[place] = gone.get(place, 0) + plan.route.amount_out


async def test_burst__nobody_lends__no_flash_liquidity() -> None:
    thin = scene(12, 5, dollars=10**6, largest=4.5)
    results = await burst(thin, PoolBank(thin.venue.pools, cash=0))
    reasons = {found.reason for found in results if isinstance(found, Rejection)}
    assert reasons == {Reason.NO_FLASH_LIQUIDITY}


async def test_burst__the_only_pool_has_to_trade__there_is_no_plan() -> None:
    thin = scene(13, 5, dollars=10**6, largest=4.5)
    [key] = Random(1).sample(sorted(thin.venue.pools), 1)
    alone = {key: thin.venue.pools[key]}
    narrow = thin._replace(venue=ThinVenue(alone))
    results = await burst(narrow, PoolBank(alone))
    assert not [found for found in results if isinstance(found, Plan)]
    told = {found.detail for found in results if isinstance(found, Rejection)}
    assert any("besides those that would have to lend" in detail for detail in told)


@dataclass
class Pool:
    """A deployment that lends everything for so many basis points."""

    bps: int
    kind: FlashKind = FlashKind.AAVE
    lender: Address = AAVE

    def available(self, token: Address) -> int:
        return 10**40

    def fee(self, token: Address, amount: int) -> int:
        return -(-amount * self.bps // 10**4)


@pytest.mark.parametrize(("bps", "kind"), [(4, FlashKind.AAVE), (200, FlashKind.UNISWAP_V3)])
async def test_burst__a_deployment_lends_too__the_cheaper_of_both(bps: int, kind: FlashKind) -> None:
    thin = scene(14, 10, dollars=10**6, largest=4.5)
    bank = PoolBank(thin.venue.pools)
    planner = Planner(cast("Any", NoChain()), [thin.venue], Strategy(1, WAD, gas=GAS), [bank])
    market = cast("Market", thin.market)
    found = await planner.burst(market, BLOCK, BLOCK, thin.accounts, GAS_PRICE, ETHER, [Pool(bps)])
    assert {plan.loan.kind for plan in found if isinstance(plan, Plan) and plan.loan} == {kind}
