"""The books of a plan: exact, and never flattering."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from keeper.plan.model import Profit, Route
from keeper.plan.profit import account_for, break_even, to_tokens, to_usd
from keeper.protocols.base import AssetInfo, Settlement
from keeper.types import ZERO_ADDRESS

amounts = st.integers(0, 10**30)
dollars = st.integers(0, 10**18)
assets = st.builds(
    AssetInfo,
    st.just(0),
    st.just(ZERO_ADDRESS),
    st.just("TOKEN"),
    st.integers(0, 27),
    st.integers(1, 10**15),
)


@st.composite
def books(draw: st.DrawFn) -> tuple[Profit, AssetInfo]:
    debt = draw(assets)
    profit = account_for(
        Settlement(draw(amounts), 1, 0),
        Route((), 1, draw(amounts), 0),
        debt,
        flash_fee=draw(amounts),
        gas=draw(st.integers(0, 10**8)),
        gas_price=draw(st.integers(0, 10**13)),
        native_price=draw(st.integers(0, 10**13)),
    )
    return profit, debt


@given(books())
def test_account_for__any_amounts__net_is_the_exact_value_less_rounding_against_us(
    book: tuple[Profit, AssetInfo],
) -> None:
    profit, debt = book
    assert profit.gross == profit.swap_out - profit.repay - profit.flash_fee
    assert profit.net_usd == profit.gross_usd - profit.gas_usd
    loose = Fraction(profit.gross * (debt.price or 0), 10**debt.decimals)
    assert 0 <= loose - profit.gross_usd < 1


@given(books(), dollars)
def test_break_even__any_minimum__reached_exactly_when_net_reaches_it(
    book: tuple[Profit, AssetInfo], minimum: int
) -> None:
    profit, debt = book
    assert (profit.gross >= break_even(profit, debt, minimum)) == (profit.net_usd >= minimum)


@given(assets, dollars)
def test_to_tokens__any_asset__smallest_amount_worth_it(asset: AssetInfo, usd: int) -> None:
    least = to_tokens(usd, asset)
    assert to_usd(least, asset) >= usd
    assert least == 0 or to_usd(least - 1, asset) < usd
