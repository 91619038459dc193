"""Sizes and bursts where liquidity is thin, against brute force in exact integers."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from random import Random
from typing import Any, NamedTuple, cast

import pytest

from keeper.app.vanguard import goes_alone
from keeper.plan.inventory import Inventory
from keeper.plan.model import Leg, Plan, Reason, Rejection, Route
from keeper.plan.planner import Planner
from keeper.plan.profit import to_usd
from keeper.plan.route import Path, keys
from keeper.plan.sale import Sold, next_rate, sell
from keeper.plan.select import ranked
from keeper.plan.strategy import GasModel, Strategy
from keeper.protocols.base import AssetInfo, FlashKind, Market, Opportunity, Settlement
from keeper.types import USD, WAD, Address, Call
from tests.thin_market import (
    BLOCK,
    GWEI,
    LINK,
    USDC,
    WETH,
    NoChain,
    ThinMarket,
    ThinVenue,
    account,
    premium,
    thin_pools,
)

ETHER = 2000 * USD
GAS_PRICE = 5 * GWEI
GAS = GasModel()
PAIRS: Sequence[tuple[AssetInfo, AssetInfo]] = ((USDC, WETH), (USDC, LINK), (WETH, LINK), (LINK, WETH))
SIZES = 16
"""Sizes on the grid of a range; as many again around the best one."""


class Scene(NamedTuple):
    market: ThinMarket
    venue: ThinVenue
    planner: Planner
    accounts: Sequence[Address]

    async def burst(self, accounts: Sequence[Address], ahead: Sequence[Plan] = ()) -> list[Plan | Rejection]:
        market = cast("Market", self.market)
        return await self.planner.burst(market, BLOCK, BLOCK, accounts, GAS_PRICE, ETHER, None, ahead)

    async def alone(self) -> list[Plan | Rejection]:
        market = cast("Market", self.market)
        return await self.planner.plan(market, BLOCK, BLOCK, self.accounts, GAS_PRICE, ETHER)


def scene(seed: int, count: int, dollars: int, largest: float, *, at_least: int = 1) -> Scene:
    """`count` accounts with debts up to 10^largest dollars before pools of about `dollars`."""
    rng = Random(seed)
    venue = ThinVenue(thin_pools(rng, dollars))
    accounts = [account(number) for number in range(1, count + 1)]
    opened = {who: list(_opportunities(rng, who, largest)) for who in accounts}
    market = ThinMarket(opened, {who: rng.randint(400, 1200) for who in accounts})
    chain = cast("Any", NoChain())
    return Scene(market, venue, Planner(chain, [venue], Strategy(at_least, WAD, gas=GAS)), accounts)


def _opportunities(rng: Random, who: Address, largest: float) -> Iterator[Opportunity]:
    for debt, collateral in rng.sample(PAIRS, rng.randint(1, 2)):
        top = int(10 ** rng.uniform(3, largest) * WAD * USD / (debt.price or 1))
        half = top // rng.randint(2, 4)
        yield Opportunity(who, debt, collateral, rng.choice([((1, top),), ((1, half), (top, top))]))


class Brute:
    """Every size of a grid over every path, and over every two paths in every tenth."""

    def __init__(self, scene: Scene) -> None:
        self._market = scene.market
        self._venue = scene.venue

    def best(self, who: Address) -> int:
        """Net profit of the best try, USD with 8 decimals."""
        return max(self._best(pair) for pair in self._market.opportunities(who, None))

    def _best(self, pair: Opportunity) -> int:
        paths = self._venue.routes(pair.collateral.address, pair.debt.address)
        values = {size: self._most(pair, size, paths) for size in self._grid(pair.ranges)}
        top = max(values, key=values.__getitem__)
        order = sorted(values)
        low, high = order[max(order.index(top) - 1, 0)], order[min(order.index(top) + 1, len(order) - 1)]
        near = [low + (high - low) * step // SIZES for step in range(SIZES + 1)]
        allowed = [size for size in near if any(first <= size <= last for first, last in pair.ranges)]
        values |= {size: self._most(pair, size, paths) for size in allowed}
        top = max(values, key=values.__getitem__)
        return max(values[top], *(self._split(pair, size, paths) for size in self._around(pair, top)))

    def _grid(self, ranges: Sequence[tuple[int, int]]) -> list[int]:
        even = [low + (high - low) * step // SIZES for low, high in ranges for step in range(SIZES + 1)]
        return sorted({*even, *(ranges[-1][1] >> power for power in range(2, 12) if ranges[0][0] == 1)})

    def _around(self, pair: Opportunity, size: int) -> list[int]:
        """More than the best size for one path: two paths take more."""
        wider = {size * step // 10 for step in (10, 13, 16, 20)} | {pair.ranges[-1][1]}
        return [size for size in wider if any(first <= size <= last for first, last in pair.ranges)]

    def _most(self, pair: Opportunity, size: int, paths: Sequence[Path]) -> int:
        settled = self._settle(pair, size)
        sales = [(path, sell(path, settled.seize, self._venue.pools)) for path in paths]
        return max([self._net(pair, settled, [(path, sold)]) for path, sold in sales if sold], default=-WAD)

    def _split(self, pair: Opportunity, size: int, paths: Sequence[Path]) -> int:
        settled, best = self._settle(pair, size), -WAD
        parts = [settled.seize * tenth // 10 for tenth in range(1, 10)]
        sold = {(path, part): sell(path, part, self._venue.pools) for path in paths for part in parts}
        rest = {
            (path, part): sell(path, settled.seize - part, self._venue.pools)
            for path in paths
            for part in parts
        }
        for one, other in combinations(paths, 2):
            if keys(one) & keys(other):
                continue
            for part in parts:
                first, second = sold[one, part], rest[other, part]
                if first and second:
                    best = max(best, self._net(pair, settled, [(one, first), (other, second)]))
        return best

    def _settle(self, pair: Opportunity, size: int) -> Settlement:
        settled = self._market.settle(pair, size, None)
        assert isinstance(settled, Settlement)
        return settled

    def _net(self, pair: Opportunity, settled: Settlement, sales: Sequence[tuple[Path, Sold]]) -> int:
        legs = tuple(Leg(path.factory, path.hops, 1) for path, _ in sales)
        out, gas = sum(sold.amount_out for _, sold in sales), sum(sold.gas for _, sold in sales)
        units = GAS.total(settled, Route(legs, settled.seize, out, gas))
        gross = out - settled.repay - premium(settled.repay)
        return to_usd(gross, pair.debt) - -(-units * GAS_PRICE * ETHER // WAD)


async def test_plan__two_hundred_accounts_in_thin_markets__within_a_thousandth_of_brute_force() -> None:
    planned = split = partial = 0
    for seed in range(10):
        thin = scene(seed, 20, dollars=60_000, largest=5.5)
        brute = Brute(thin)
        for result in await thin.alone():
            best = brute.best(result.account)
            if isinstance(result, Rejection):
                assert best <= 0
                continue
            assert result.profit.net_usd * 1000 >= best * 999, (seed, result.account)
            planned += 1
            split += len(result.route.legs) > 1
            partial += result.settlement.repay < result.opportunity.ranges[-1][1] * 9 // 10
    assert planned > 150
    assert split > 40
    assert partial > 40


async def test_plan__several_pairs__as_good_as_the_best_of_them_looked_at_alone() -> None:
    for seed in range(15):
        found = scene(seed, 5, 10 ** (5 + seed % 3), 6)
        together = dict(zip(found.accounts, await found.alone(), strict=True))
        opened = dict(found.market.opened)
        for who in (who for who, pairs in opened.items() if len(pairs) > 1):
            best = 0
            for pair in opened[who]:
                found.market.opened = {who: [pair]}
                [plan] = await found._replace(accounts=[who]).alone()
                best = max(best, worth(plan))
            assert worth(together[who]) == best


def worth(outcome: Plan | Rejection) -> int:
    return outcome.profit.net_usd if isinstance(outcome, Plan) else 0


async def test_plan__sale_over_several_paths__parts_add_up_and_bring_what_the_plan_says() -> None:
    thin = scene(3, 30, dollars=150_000, largest=5.5)
    plans = [plan for plan in await thin.alone() if isinstance(plan, Plan) and len(plan.route.legs) > 1]
    assert plans
    for plan in plans:
        route, start = plan.route, plan.opportunity.collateral.address
        assert sum(leg.amount_in for leg in route.legs) == route.amount_in == plan.settlement.seize
        assert route.legs[-1].amount_in == max(leg.amount_in for leg in route.legs)
        pools, out = dict(thin.venue.pools), 0
        for leg in route.legs:
            sold = sell(Path(leg.venue, start, leg.hops), leg.amount_in, pools)
            assert sold
            pools |= sold.after
            out += sold.amount_out
        assert out == route.amount_out


async def best_order(thin: Scene, left: Sequence[Address], ahead: list[Plan]) -> int:
    """Net profit of `ahead` and the best order of the accounts that are left, found by trying them all."""
    totals = [sum(plan.profit.net_usd for plan in ahead)]
    for who in left:
        [result] = await thin.burst([who], ahead)
        after = [*ahead, result] if isinstance(result, Plan) else ahead
        totals.append(await best_order(thin, [other for other in left if other != who], after))
    return max(totals)


@pytest.mark.parametrize("seed", range(5))
async def test_burst__small_enough_to_try_every_order__brings_nearly_the_best_of_them(seed: int) -> None:
    thin = scene(100 + seed, 4, dollars=100_000, largest=5.2)
    best = await best_order(thin, thin.accounts, [])
    results = await thin.burst(thin.accounts)
    total = sum(plan.profit.net_usd for plan in results if isinstance(plan, Plan))
    assert total * 100 >= best * 95


async def test_burst__the_largest_goes_alone_where_it_is_light__brings_nearly_the_best() -> None:
    went = 0
    for seed in range(100, 108):
        thin = scene(seed, 4, dollars=1_000_000 >> seed % 3, largest=5.2)
        best = await best_order(thin, thin.accounts, [])
        largest = max(thin.accounts, key=lambda who: max(map(owed, thin.market.opened[who])))
        ahead = [plan for plan in await thin.burst([largest]) if isinstance(plan, Plan) and goes_alone(plan)]
        done = {plan.account for plan in ahead}
        others = await thin.burst([who for who in thin.accounts if who not in done], ahead)
        plans = [*ahead, *(plan for plan in others if isinstance(plan, Plan))]
        assert sum(plan.profit.net_usd for plan in plans) * 100 >= best * 95
        assert [plan.turn for plan in ranked(plans)] == list(range(len(plans)))
        went += len(ahead)
    assert 0 < went < 8


def owed(pair: Opportunity) -> int:
    return to_usd(pair.ranges[-1][1], pair.debt)


async def test_burst__sale_moves_prices__impact_is_what_it_loses_to_them() -> None:
    thin = scene(7, 6, dollars=300_000, largest=5.0)
    plans = [plan for plan in await thin.alone() if isinstance(plan, Plan)]
    for plan in plans:
        [again] = await thin.burst([plan.account])
        assert isinstance(again, Plan)
        assert again.impact is not None
        start = again.opportunity.collateral.address
        unmoved = sum(
            next_rate(Path(leg.venue, start, leg.hops), thin.venue.pools) * leg.amount_in
            for leg in again.route.legs
        )
        assert again.impact == pytest.approx(1 - again.route.amount_out / unmoved)
        assert 0 < again.impact < 0.2
    assert len(plans) > 3


async def test_burst__plans_share_pools__each_brings_exactly_what_it_says_after_the_ones_before_it() -> None:
    thin = scene(7, 40, dollars=150_000, largest=5.0, at_least=USD)
    results = await thin.burst(thin.accounts)
    plans = ranked(result for result in results if isinstance(result, Plan))
    assert [plan.turn for plan in plans] == list(range(len(plans)))
    pools = dict(thin.venue.pools)
    for plan in plans:
        out = 0
        for leg in plan.route.legs:
            sold = sell(Path(leg.venue, plan.opportunity.collateral.address, leg.hops), leg.amount_in, pools)
            assert sold
            pools |= sold.after
            out += sold.amount_out
        assert out == plan.profit.swap_out
        assert plan.profit.net_usd >= USD
    late = [result for result in results if isinstance(result, Rejection) and result.best]
    assert any(result.reason is Reason.CROWDED_OUT for result in late)
    alone = [result for result in await thin.alone() if isinstance(result, Plan)]
    assert len(alone) > len(plans) > 5
    assert [result.account for result in results] == list(thin.accounts)


class Owner:
    """A chain on which the executor's owner holds, and allows, so much of every token."""

    def __init__(self, amount: int) -> None:
        self.amount = amount

    async def call_many(self, calls: Sequence[Call], block: int | str = "latest") -> list[bytes | None]:
        return [self.amount.to_bytes(32) for _ in calls]


@pytest.mark.parametrize(("share", "kind"), [(100, FlashKind.NONE), (50, FlashKind.AAVE)])
async def test_plan__own_capital__used_where_there_is_enough_of_it(share: int, kind: FlashKind) -> None:
    thin = scene(3, 1, dollars=10**7, largest=3.5)
    [borrowed] = await thin.alone()
    assert isinstance(borrowed, Plan)
    own = Owner(borrowed.request * share // 100)
    strategy = Strategy(1, WAD, gas=GAS)
    planner = Planner(cast("Any", own), [thin.venue], strategy, [Inventory(Address("0x" + "ee" * 20))])
    [plan] = await thin._replace(planner=planner).alone()
    assert isinstance(plan, Plan)
    assert plan.loan
    assert plan.loan.kind is kind
    assert (plan.profit.flash_fee == 0) == (kind is FlashKind.NONE)
