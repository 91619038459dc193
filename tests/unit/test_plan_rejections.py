"""Why there is no plan, in words that name the numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from keeper.plan.data_fee import DataFee, Sample, transaction_size
from keeper.plan.data_fees import DataFees
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.planner import Planner
from keeper.plan.profit import gas_to_usd
from keeper.protocols.base import (
    AssetInfo,
    Reads,
    Refusal,
)
from keeper.types import Address, BlockRef
from tests.planner_bench import (
    BLOCK,
    DEEP,
    ETH,
    GWEI,
    LOAN,
    SELL_WETH,
    USDC,
    WETH,
    Bench,
    Curve,
    StubMarket,
    account,
    offer,
    pool,
)


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
