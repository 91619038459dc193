"""The planner over a stub market and constant-product pools: best choice, shared rounds, every reason."""

import random

import pytest

from keeper.plan.model import Hop, Leg, Loan, Plan, Reason, Rejection
from keeper.plan.strategy import Strategy
from keeper.protocols.base import (
    FlashKind,
    Settlement,
)
from keeper.protocols.flash import Lender
from keeper.types import USD, ZERO_ADDRESS
from tests.planner_bench import (
    AAVE,
    ALL,
    BLOCK,
    DEEP,
    ETH,
    FACTORY,
    GAS,
    GWEI,
    LOAN,
    POOL,
    SELL_WETH,
    USDC,
    WBTC,
    WETH,
    Bench,
    Curve,
    StubMarket,
    account,
    offer,
    pool,
    premium,
)


async def test_plan__deep_pool__repays_all_and_every_number_adds_up() -> None:
    bench = Bench(StubMarket({account(1): [LOAN]}), DEEP)
    plan = await bench.one()
    assert isinstance(plan, Plan)
    profit, route = plan.profit, plan.route
    assert plan.settlement.repay == profit.repay == 10_000 * 10**6
    assert route.amount_in == plan.settlement.seize == 3_500_000_000_000_000_000
    assert route.amount_out == profit.swap_out == DEEP[SELL_WETH][0].out(route.amount_in)
    assert route.legs == (Leg(FACTORY, (Hop(USDC.address, 0),), route.amount_in),)
    assert profit.flash_fee == 5 * 10**6
    assert profit.gross == profit.swap_out - 10_005 * 10**6
    assert profit.gross_usd == profit.gross * 100
    assert profit.gas == 500_000 + 20_000 + 100_000
    assert profit.gas_usd == 186_000_000  # 620k gas at 1 gwei and $3000
    assert profit.net_usd == profit.gross_usd - profit.gas_usd
    assert plan.min_profit == 2_860_000  # $1.86 of gas and $1 of profit, in USDC
    assert (plan.deployment, plan.instruction.venue, plan.block) == ("stub", POOL, BLOCK)
    assert plan.loan == Loan(FlashKind.AAVE, POOL)
    assert bench.chain.batches == [3], "a single route and a deep pool need one round"


async def test_plan__protocol_caps_the_whole_repay__asks_for_more_and_pays_the_fee_on_it() -> None:
    market = StubMarket({account(1): [LOAN]}, cap=10_000 * 10**6)
    plan = await Bench(market, DEEP).one()
    assert isinstance(plan, Plan)
    assert plan.settlement.repay == 10_000 * 10**6
    assert plan.request == plan.settlement.repay + plan.headroom == 10_001 * 10**6 + 1
    assert plan.profit.flash_fee == premium(plan.request)


async def test_plan__own_funds__no_flash_fee() -> None:
    market = StubMarket({account(1): [LOAN]})
    plan = await Bench(market, DEEP, Strategy(USD, GWEI, flash_loan=False, gas=GAS)).one()
    assert isinstance(plan, Plan)
    assert plan.profit.flash_fee == 0
    assert plan.loan == Loan(FlashKind.NONE, ZERO_ADDRESS)


async def test_plan__several_lenders__borrows_from_the_cheapest_that_has_enough() -> None:
    morpho = Lender(FlashKind.MORPHO, FACTORY, {USDC.address: 5_000 * 10**6})
    market = StubMarket({account(1): [LOAN]}, lenders=(AAVE, morpho))
    plan = await Bench(market, DEEP).one()
    assert isinstance(plan, Plan)
    assert (plan.loan, plan.profit.flash_fee) == (Loan(FlashKind.AAVE, POOL), 5 * 10**6)
    rich = Lender(FlashKind.MORPHO, FACTORY, ALL)
    plan = await Bench(StubMarket({account(1): [LOAN]}, lenders=(AAVE, rich)), DEEP).one()
    assert isinstance(plan, Plan)
    assert (plan.loan, plan.profit.flash_fee) == (Loan(FlashKind.MORPHO, FACTORY), 0)


async def test_plan__lenders_have_a_part__liquidates_that_part() -> None:
    poor = Lender(FlashKind.AAVE, POOL, {USDC.address: 3_000 * 10**6}, premium)
    plan = await Bench(StubMarket({account(1): [LOAN]}, lenders=(poor,)), DEEP).one()
    assert isinstance(plan, Plan)
    assert 0 < plan.request <= 3_000 * 10**6


async def test_plan__nobody_lends__says_so() -> None:
    rejection = await Bench(StubMarket({account(1): [LOAN]}, lenders=()), DEEP).one()
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.NO_FLASH_LIQUIDITY
    assert rejection.detail == "nobody lends 10,000.000000 USDC now"


async def test_plan__protocol_waits_for_its_money__no_loan_and_no_fee() -> None:
    plan = await Bench(StubMarket({account(1): [LOAN]}, lenders=(), self_funded=True), DEEP).one()
    assert isinstance(plan, Plan)
    assert (plan.loan, plan.profit.flash_fee) == (None, 0)


async def test_plan__same_asset__empty_route_and_no_swap_gas() -> None:
    market = StubMarket(
        {account(1): [offer(1, WETH, WETH, (1, 10**18))]}, written_off={USDC.address: 1, WETH.address: 2}
    )
    bench = Bench(market, {})
    plan = await bench.one()
    assert isinstance(plan, Plan)
    assert plan.route.hops == ()
    assert plan.route.amount_out == plan.settlement.seize
    assert plan.profit.gas == 500_000 + 75_000
    assert bench.chain.batches == [], "nothing to ask"


async def test_plan__shallow_pool__repays_the_part_that_pays_most() -> None:
    market = StubMarket({account(1): [LOAN]})
    bench = Bench(market, {SELL_WETH: [pool(WETH, USDC, 100_000)]})
    plan = await bench.one()
    assert isinstance(plan, Plan)
    assert 2_000 * 10**6 < plan.settlement.repay < 2_500 * 10**6
    assert len(bench.chain.batches) <= 5


async def test_plan__several_pairs_and_routes__takes_the_best_of_all() -> None:
    opened = {account(1): [LOAN, offer(1, USDC, WBTC, (1, 9_000 * 10**6))]}
    curves = {
        SELL_WETH: [pool(WETH, USDC, 10**5, fee=100), pool(WETH, USDC, 10**6, fee=30_000)],
        (WBTC.address, USDC.address): [pool(WBTC, USDC, 10**4, fee=100), pool(WBTC, USDC, 10**9, fee=500)],
    }
    plan = await Bench(StubMarket(opened), curves).one()
    assert isinstance(plan, Plan)
    assert plan.opportunity.collateral == WBTC
    assert plan.route.hops == (Hop(USDC.address, 1),)
    assert plan.settlement.repay == 9_000 * 10**6


@pytest.mark.parametrize("seed", range(40))
async def test_plan__random_pools_and_ranges__within_a_thousandth_of_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    most = int(10 ** rng.uniform(9, 13))
    half = rng.randint(most // 3, most - 2)
    loan = offer(1, USDC, WETH, *rng.choice([[(1, most)], [(1, half), (most, most)]]))
    market = StubMarket({account(1): [loan]}, bonus=rng.randint(300, 1200))
    routes = [
        pool(
            WETH,
            USDC,
            1 + int(most / 10**6 * 10 ** rng.uniform(-1, 3)),
            fee=rng.choice([100, 500, 3000, 10_000]),
            gas=rng.randint(80_000, 300_000),
        )
        for _ in range(rng.randint(1, 8))
    ]
    bench = Bench(market, {SELL_WETH: routes}, Strategy(0, GWEI, gas=GAS))
    result = await bench.one()
    plan = result if isinstance(result, Plan) else result.best
    assert plan is not None

    def net(repay: int, curve: Curve) -> int:
        settlement = market.settle(loan, repay, None)
        assert isinstance(settlement, Settlement)
        gross = curve.out(settlement.seize) - repay - premium(repay)
        return gross * 100 - (520_000 + curve.gas) * GWEI * ETH // 10**18

    sizes = [low + (high - low) * step // 1000 for low, high in loan.ranges for step in range(1001)]
    brute = max(net(size, curve) for size in sizes for curve in routes)
    assert any(low <= plan.settlement.repay <= high for low, high in loan.ranges)
    if brute > 0:
        assert plan.profit.net_usd * 1000 >= brute * 999
    assert len(bench.chain.batches) <= 8


async def test_plan__two_hundred_accounts__share_a_handful_of_rounds() -> None:
    rng = random.Random(1)
    opened = {
        account(number): [offer(number, USDC, WETH, (1, int(10 ** rng.uniform(8, 12))))]
        for number in range(1, 201)
    }
    curves = {SELL_WETH: [pool(WETH, USDC, 10**6, fee=500), pool(WETH, USDC, 10**7, fee=3000)]}
    bench = Bench(StubMarket(opened), curves)
    results = await bench.plan(*range(1, 201))
    assert [result.account for result in results] == list(opened)
    assert sum(isinstance(result, Plan) for result in results) > 100
    assert len(bench.chain.batches) <= 8
    assert sum(bench.chain.batches) < 200 * 25
    assert bench.venue.discoveries == 1
