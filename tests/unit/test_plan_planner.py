"""The planner over a stub market and constant-product pools: best choice, shared rounds, every reason."""

import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keeper.errors import Degraded
from keeper.plan.data_fee import DataFee, Sample, transaction_size
from keeper.plan.data_fees import DataFees
from keeper.plan.model import Hop, Leg, Loan, Plan, Reason, Rejection
from keeper.plan.planner import Planner
from keeper.plan.profit import gas_to_usd
from keeper.plan.route import Path, Pools, Quote, QuoteRequest
from keeper.plan.strategy import GasModel, Strategy
from keeper.protocols.base import (
    AssetInfo,
    Dialect,
    FlashKind,
    Instruction,
    Market,
    Opportunity,
    Reads,
    Refusal,
    Settlement,
)
from keeper.protocols.flash import Lender
from keeper.types import USD, ZERO_ADDRESS, Address, BlockRef, Call, Hash

GWEI = 10**9
ETH = 3000 * USD
FACTORY = Address("0x" + "fa" * 20)
POOL = Address("0x" + "aa" * 20)
BLOCK = BlockRef(7, Hash("0x" + "07" * 32), Hash("0x" + "06" * 32), 1_700_000_000, GWEI)
USDC = AssetInfo(0, Address("0x" + "01" * 20), "USDC", 6, USD)
WETH = AssetInfo(1, Address("0x" + "02" * 20), "WETH", 18, ETH)
WBTC = AssetInfo(2, Address("0x" + "03" * 20), "WBTC", 8, 60_000 * USD)
ALL = dict.fromkeys((USDC.address, WETH.address, WBTC.address), 10**30)
GAS = GasModel(liquidation=500_000, hop=20_000, bad_debt=75_000)


def premium(amount: int) -> int:
    return -(-amount * 5 // 10_000)


AAVE = Lender(FlashKind.AAVE, POOL, ALL, premium)


def account(number: int) -> Address:
    return Address(f"0x{number:040x}")


def offer(number: int, debt: AssetInfo, collateral: AssetInfo, *ranges: tuple[int, int]) -> Opportunity:
    return Opportunity(account(number), debt, collateral, ranges)


@dataclass
class StubMarket:
    """Pays the debt's oracle worth in collateral plus a bonus, in exact integers."""

    opened: Mapping[Address, Sequence[Opportunity]]
    bonus: int = 500
    liquidatable: bool = True
    refuse: Refusal | None = None
    cap: int | None = None
    fault: str | None = None
    written_off: Mapping[Address, int] = field(default_factory=dict)
    deployment: str = "stub"
    self_funded: bool = False
    lenders: Sequence[Lender] = (AAVE,)

    def assets(self) -> Sequence[AssetInfo]:
        return [USDC, WETH, WBTC]

    def pairs(self) -> None:
        """Any two."""

    def borrower(self, who: Address) -> Address:
        return who

    def instruction(self, _: Opportunity, __: int, ___: Settlement) -> Instruction:
        return Instruction(Dialect.AAVE, POOL, self_funded=self.self_funded)

    def flash_sources(self) -> Sequence[Lender]:
        return self.lenders

    def health(self, _: Address, __: Any) -> Any:
        return SimpleNamespace(liquidatable=self.liquidatable, health_factor=1_250_000_000_000_000_000)

    def opportunities(self, who: Address, _: Any) -> Sequence[Opportunity]:
        if self.fault:
            raise Degraded(self.fault)
        return self.opened.get(who, [])

    def settle(self, pair: Opportunity, repay: int, _: Any) -> Settlement | Refusal:
        if self.refuse:
            return self.refuse
        repay = min(repay, self.cap or repay)
        debt, collateral = pair.debt, pair.collateral
        worth = repay * (debt.price or 0) * 10**collateral.decimals * (10_000 + self.bonus)
        seize = worth // ((collateral.price or 1) * 10**debt.decimals * 10_000)
        return Settlement(repay, seize, 0, self.written_off)


@dataclass(frozen=True)
class Curve:
    """A constant-product pool for both directions of use, in units of the tokens sold and bought."""

    reserve_in: int
    reserve_out: int
    fee: int
    gas: int = 100_000

    def out(self, amount: int) -> int:
        paid = amount * (1_000_000 - self.fee)
        return self.reserve_out * paid // (self.reserve_in * 1_000_000 + paid)


class CurveVenue:
    """Each route is one pool; `fee` of its hop numbers the curve."""

    factory = FACTORY

    def __init__(self, curves: Mapping[tuple[Address, Address], Sequence[Curve]]) -> None:
        self.curves = curves
        self.discoveries = 0

    def discover(self, pairs: Collection[tuple[Address, Address]], block: int) -> Reads[None]:
        assert len(pairs) == 3
        assert block == BLOCK.number
        self.discoveries += 1
        yield from ()

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        curves = self.curves.get((token_in, token_out), ())
        return [Path(FACTORY, token_in, (Hop(token_out, number),)) for number in range(len(curves))]

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        assert block == BLOCK
        yield from ()
        return {}

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        answers = yield [
            Call(
                FACTORY,
                json.dumps([path.token_in, path.hops[0].token_out, path.hops[0].fee, amount]).encode(),
            )
            for path, amount in requests
        ]
        return [Quote(*json.loads(answer)) if answer else None for answer in answers]


class CurveChain:
    """Answers the venue's calls from its curves and counts round trips."""

    def __init__(self, venue: CurveVenue) -> None:
        self.venue = venue
        self.batches: list[int] = []

    async def call_many(self, calls: Sequence[Call], block: int | str = "latest") -> list[bytes | None]:
        assert block == BLOCK.number
        assert len({call.data for call in calls}) == len(calls), "asked twice"
        self.batches.append(len(calls))
        return [self._answer(*json.loads(call.data)) for call in calls]

    def _answer(self, token_in: Address, token_out: Address, number: int, amount: int) -> bytes | None:
        curve = self.venue.curves[token_in, token_out][number]
        return json.dumps([curve.out(amount), curve.gas]).encode() if curve.fee < 1_000_000 else None


class Bench:
    """A planner with everything around it."""

    def __init__(
        self,
        market: StubMarket,
        curves: Mapping[tuple[Address, Address], Sequence[Curve]],
        strategy: Strategy | None = None,
    ) -> None:
        self.market = market
        self.venue = CurveVenue(curves)
        self.chain = CurveChain(self.venue)
        self.strategy = strategy or Strategy(USD, 100 * GWEI, gas=GAS)
        self.planner = Planner(cast("Any", self.chain), [self.venue], self.strategy)

    async def plan(self, *numbers: int, gas_price: int = GWEI) -> list[Plan | Rejection]:
        market = cast("Market", self.market)
        accounts = [account(number) for number in numbers]
        return await self.planner.plan(market, BLOCK, BLOCK, accounts, gas_price, ETH)

    async def one(self, gas_price: int = GWEI) -> Plan | Rejection:
        return (await self.plan(1, gas_price=gas_price))[0]


def pool(sold: AssetInfo, bought: AssetInfo, usd: int, fee: int = 500, gas: int = 100_000) -> Curve:
    """A pool at the oracle's price with `usd` dollars on each side."""
    reserves = [usd * USD * 10**asset.decimals // (asset.price or 1) for asset in (sold, bought)]
    return Curve(reserves[0], reserves[1], fee, gas)


SELL_WETH = (WETH.address, USDC.address)
DEEP = {SELL_WETH: [pool(WETH, USDC, 10**12)]}
LOAN = offer(1, USDC, WETH, (1, 10_000 * 10**6))


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


def rejected(result: Plan | Rejection, reason: Reason) -> Rejection:
    assert isinstance(result, Rejection)
    assert result.reason is reason, result.detail
    assert (result.deployment, result.account, result.block) == ("stub", account(1), BLOCK)
    return result


async def test_plan__healthy_account__says_its_health() -> None:
    result = await Bench(StubMarket({}, liquidatable=False), DEEP).one()
    assert rejected(result, Reason.HEALTHY).detail == "health factor 1.250000"


async def test_plan__liquidatable_without_pair__says_so() -> None:
    rejected(await Bench(StubMarket({}), DEEP).one(), Reason.NO_PAIR)


async def test_plan__debt_without_price__names_the_asset() -> None:
    unpriced = AssetInfo(3, Address("0x" + "04" * 20), "GHO", 18, None)
    result = await Bench(StubMarket({account(1): [offer(1, unpriced, WETH, (1, 10))]}), DEEP).one()
    assert rejected(result, Reason.PRICE_MISSING).detail == "no price of GHO"


async def test_plan__health_cannot_be_told__only_that_account_is_rejected_with_the_cause() -> None:
    result = await Bench(StubMarket({}, fault="no price of FOO"), DEEP).one()
    assert rejected(result, Reason.PRICE_MISSING).detail == "no price of FOO"


async def test_plan__protocol_refuses_every_size__passes_its_words_on() -> None:
    market = StubMarket({account(1): [LOAN]}, refuse=Refusal("dust", "leaves $3.10, $1000 needed"))
    result = await Bench(market, DEEP).one()
    assert rejected(result, Reason.PROTOCOL_REFUSES).detail == "dust: leaves $3.10, $1000 needed"


@pytest.mark.parametrize(
    "curves", [{}, {SELL_WETH: [Curve(1, 1, 1_000_000)]}, {SELL_WETH: [Curve(1, 1, 1_000_000)] * 2}]
)
async def test_plan__no_pool_or_no_quote__no_route(
    curves: Mapping[tuple[Address, Address], Sequence[Curve]],
) -> None:
    result = await Bench(StubMarket({account(1): [LOAN]}), curves).one()
    assert rejected(result, Reason.NO_ROUTE).detail == "no pools buy WETH for USDC in the amounts needed"


async def test_plan__swap_returns_less_than_owed__unprofitable_with_the_best_try() -> None:
    curves = {SELL_WETH: [pool(WETH, USDC, 10**9, fee=100_000)]}
    rejection = rejected(await Bench(StubMarket({account(1): [LOAN]}), curves).one(), Reason.UNPROFITABLE)
    assert rejection.best is not None
    assert rejection.best.profit.gross <= 0
    assert rejection.detail.startswith("the collateral sells for ")
    assert rejection.detail.endswith(" USDC")


class Rollup(DataFees):
    """Takes what it is told for every byte."""

    def __init__(self, per_byte: int, *, in_gas: bool = False) -> None:
        super().__init__()
        self.fee = DataFee(Sample(0, 0), Sample(1000, 1000 * per_byte), in_gas)

    def read(self, block: BlockRef) -> Reads[DataFee]:
        yield from ()
        return self.fee


@pytest.mark.parametrize("in_gas", [False, True])
async def test_plan__chain_charges_for_bytes__they_are_in_the_costs_and_in_what_is_enforced(
    in_gas: bool,
) -> None:
    bench = Bench(StubMarket({account(1): [LOAN]}), DEEP)
    free = await bench.one()
    per_byte = 5 if in_gas else 5 * GWEI
    fees = Rollup(per_byte, in_gas=in_gas)
    bench.planner = Planner(cast("Any", bench.chain), [bench.venue], bench.strategy, data_fees=fees)
    plan = await bench.one()
    assert isinstance(free, Plan)
    assert isinstance(plan, Plan)
    size = transaction_size(plan.instruction, plan.route)
    assert (plan.profit.data_fee, plan.profit.data_gas) == ((0, 5 * size) if in_gas else (5 * size * GWEI, 0))
    assert plan.profit.gas == free.profit.gas + plan.profit.data_gas
    # Both ways it is five gas a byte at 1 gwei.
    assert plan.profit.gas_usd == gas_to_usd(free.profit.gas + 5 * size, GWEI, ETH)
    assert plan.profit.net_usd == plan.profit.gross_usd - plan.profit.gas_usd
    assert plan.min_profit > free.min_profit
    dear = Rollup(10**6 if in_gas else 10**6 * GWEI, in_gas=in_gas)
    bench.planner = Planner(cast("Any", bench.chain), [bench.venue], bench.strategy, data_fees=dear)
    rejection = await bench.one()
    assert isinstance(rejection, Rejection)
    assert rejection.reason is Reason.UNPROFITABLE


async def test_plan__gas_above_gross__unprofitable_with_both_numbers() -> None:
    market = StubMarket({account(1): [offer(1, USDC, WETH, (1, 68 * 10**6))]})
    rejection = rejected(await Bench(market, DEEP).one(gas_price=3 * GWEI), Reason.UNPROFITABLE)
    assert rejection.detail == "gas $5.58 exceeds gross $3.33"
    assert rejection.best is not None
    assert rejection.best.profit.net_usd < 0


async def test_plan__profit_below_minimum__says_by_how_much() -> None:
    market = StubMarket({account(1): [offer(1, USDC, WETH, (1, 50 * 10**6))]})
    rejection = rejected(await Bench(market, DEEP).one(), Reason.BELOW_MINIMUM)
    assert rejection.detail == "net $0.5887 is below the minimum of $1.00"
    assert rejection.best is not None
    assert rejection.best.profit.gross < rejection.best.min_profit


async def test_plan__gas_price_above_limit__rejected_with_the_plan_it_would_be() -> None:
    rejection = rejected(
        await Bench(StubMarket({account(1): [LOAN]}), DEEP).one(gas_price=101 * GWEI),
        Reason.GAS_PRICE_TOO_HIGH,
    )
    assert rejection.detail == "gas price 101 gwei exceeds the limit of 100 gwei"
    assert rejection.best is not None
    assert rejection.best.profit.net_usd > 0
