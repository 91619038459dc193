"""What bytes cost: the line through two samples against the chains' own formulas in exact integers."""

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from keeper.artifacts import load_artifact
from keeper.execute.charge import charges
from keeper.execute.executor import Executor
from keeper.plan.data_fee import ENVELOPE, FREE, DataFee, Sample, transaction_size
from keeper.plan.data_fees import SIZES, Exact, filler
from keeper.plan.model import Hop, Leg, Loan, Plan, Profit, Route
from keeper.plan.profit import account_for, gas_to_usd
from keeper.protocols.base import Dialect, FlashKind, Instruction, Opportunity, Settlement
from keeper.types import WAD
from tests.execute_samples import EXECUTOR, FACTORY, POOL, USDC, WETH, account, block_ref

prices = st.integers(0, 10**15)
sizes = st.integers(0, 20_000)


def fjord_bound(size: int, price: int) -> int:
    """GasPriceOracle.getL1FeeUpperBound since Fjord; `price` is its fee for a byte, scaled by 1e6."""
    padded = size + 68
    fast_lz = padded + padded // 255 + 16
    return max(836_500 * fast_lz - 42_585_600, 100_000_000) * price // 10**12


def ecotone(size: int, price: int) -> int:
    """GasPriceOracle.getL1Fee before Fjord, of bytes without a zero."""
    return (size + 68) * 16 * price // (16 * 10**6)


def nitro(size: int, price: int) -> int:
    """Units of gas for incompressible bytes, of which 140 are the transaction's frame."""
    return (size + 140) * price // 10**6


def line(formula: Callable[[int, int], int], price: int) -> DataFee:
    small, large = (Sample(size, formula(size, price)) for size in SIZES)
    return DataFee(small, large)


@given(st.sampled_from([fjord_bound, ecotone, nitro]), prices, sizes)
def test_bound__any_formula_price_and_size__never_below_and_hardly_above(
    formula: Callable[[int, int], int], price: int, size: int
) -> None:
    told, true = line(formula, price).bound(size), formula(size, price)
    slack = price * 2 // 10**6 + 3  # two bytes, and three roundings
    low = SIZES[0]
    assert told >= true - size // SIZES[1] - 1
    assert told <= max(true, formula(low, price)) + slack


@given(st.integers(0, 10**18), st.integers(0, 10**18), sizes, sizes)
def test_bound__larger_transaction__never_costs_less(first: int, second: int, one: int, other: int) -> None:
    fee = DataFee(Sample(SIZES[0], first), Sample(SIZES[1], second))
    assert fee.bound(min(one, other)) <= fee.bound(max(one, other))


@given(st.integers(0, 10**18), sizes, st.booleans())
def test_fee__either_way_of_charging__counts_once(cost: int, size: int, in_gas: bool) -> None:
    fee = DataFee(Sample(SIZES[0], cost), Sample(SIZES[1], 2 * cost), in_gas)
    assert fee.wei(size) + fee.gas(size) == fee.bound(size)
    assert 0 in {fee.wei(size), fee.gas(size)}


legs = st.lists(
    st.builds(
        lambda hops: Leg(FACTORY, (Hop(USDC.address, 500),) * hops, 10**15),
        st.integers(1, 3),
    ),
    max_size=3,
)


@given(legs, st.binary(max_size=256), st.one_of(st.none(), st.binary(min_size=1, max_size=4096)))
def test_transaction_size__any_plan__is_that_of_the_calldata(
    swaps: list[Leg], data: bytes, call: bytes | None
) -> None:
    route = Route(tuple(swaps) if call is None else (Leg(POOL, (), 1, call),), 1, 1, 0)
    plan = Plan(
        "aave-core",
        account(1),
        block_ref(100),
        Opportunity(account(1), USDC, WETH, ((1, 2),)),
        Instruction(Dialect.AAVE, POOL, data),
        Settlement(1, 1, 0),
        route,
        Profit(1, 1, 0, 0, 0, 0, 0, 0, 0),
        1,
        Loan(FlashKind.AAVE, POOL),
    )
    calldata = Executor(EXECUTOR, load_artifact("executor").abi).batch([plan]).data
    assert transaction_size(plan.instruction, route) == ENVELOPE + len(calldata)


@given(st.integers(0, 10**8), prices, st.integers(0, 10**13), st.integers(0, 10**18))
def test_account_for__data_fee__is_part_of_the_costs(gas: int, price: int, native: int, fee: int) -> None:
    books = account_for(
        Settlement(10, 1, 0),
        Route((), 1, 20, 0),
        USDC,
        flash_fee=0,
        gas=gas,
        gas_price=price,
        native_price=native,
        data_fee=fee,
    )
    assert books.gas_usd == -(-(gas * price + fee) * native // WAD)
    assert books.gas_usd >= gas_to_usd(gas, price, native)


profits = st.builds(
    lambda gas, data_gas, fee: Profit(0, 0, 0, 0, 0, gas + data_gas, 1, 0, 0, fee, data_gas),
    st.integers(1, 10**7),
    st.integers(0, 10**6),
    st.integers(0, 10**18),
)


@given(st.lists(profits, min_size=1, max_size=16), st.integers(0, 10**8), st.integers(0, 10**18))
def test_charges__measured_batch__parts_add_up_to_it(plans: list[Profit], gas: int, fee: int) -> None:
    costs = charges(plans, gas, Exact(wei=fee))
    assert sum(cost.gas for cost in costs) == gas
    assert sum(cost.data_fee for cost in costs) == fee


@given(st.lists(profits, min_size=1, max_size=16), st.integers(1, 10**8), st.integers(1, 10**8))
def test_charges__bytes_paid_in_gas__their_part_alone_is_replaced(
    plans: list[Profit], gas: int, exact: int
) -> None:
    costs = charges(plans, gas, Exact(gas=exact))
    execution = sum(plan.gas - plan.data_gas for plan in plans)
    assert sum(cost.gas for cost in costs) == execution + exact
    assert all(cost.data_fee == 0 for cost in costs)


@given(sizes)
def test_filler__any_size__has_no_zero_and_repeats_nothing(size: int) -> None:
    made = filler(size)
    assert len(made) == size
    assert 0 not in made
    words = [made[start : start + 8] for start in range(0, size - 7, 8)]
    assert len(set(words)) == len(words)


def test_free__any_size__costs_nothing() -> None:
    assert (FREE.wei(10_000), FREE.gas(10_000)) == (0, 0)
