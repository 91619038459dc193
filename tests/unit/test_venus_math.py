"""Arithmetic of Compound's family, by the golden integers of the reference and by the sources' formulas."""

import pytest

from keeper.protocols.venus.curve import Curve, Kind, borrow_rate, utilization
from keeper.protocols.venus.math import accrue, collateral_weight, exchange_rate, owed, seize_ratio
from keeper.protocols.venus.records import Loan, State
from keeper.types import WAD

RATE = 200 * 10**24 + 1


@pytest.mark.parametrize(("repay", "tokens"), [(123456789, 266666664), (123456789012, 266666664265)])
def test_seize__golden_integers__are_met(repay: int, tokens: int) -> None:
    ratio = seize_ratio(108 * 10**16, 10**30, 2500 * 10**18, RATE)
    assert ratio == 2159999999999999999
    assert ratio * repay // WAD == tokens


def test_seize__share_of_compound__is_the_golden_integer() -> None:
    assert 266666664265 * 28 * 10**15 // WAD == 7466666599


def test_seize__worthless_collateral__divides_by_zero() -> None:
    assert seize_ratio(WAD, WAD, 0, RATE) is None
    assert seize_ratio(WAD, WAD, WAD - 1, 1) is None


def test_accrue__each_step__floors_as_the_contract_does() -> None:
    before = State(10**6, 999_999_937, 17, 5, 1_000_000_000_000_000_007, 10**17, 3, 4)
    after = accrue(before, 31_709_791_983, 7)
    factor = 31_709_791_983 * 7
    interest = factor * 999_999_937 // 10**18
    assert after.borrows == 999_999_937 + interest
    assert after.reserves == 17 + 10**17 * interest // 10**18
    assert after.borrow_index == before.borrow_index + factor * before.borrow_index // 10**18
    assert (after.cash, after.supply, after.block) == (10**6, 5, 3)
    assert accrue(before, 31_709_791_983, 0) == before


def test_exchange_rate__empty_market__is_the_first_rate() -> None:
    assert exchange_rate(State(cash=5), 7) == 7
    assert exchange_rate(State(cash=10, borrows=5, reserves=1, supply=3), 7) == 14 * WAD // 3


def test_owed__interest__is_floored() -> None:
    assert owed(Loan(10, 3 * WAD), 4 * WAD) == 13
    assert owed(Loan(0, 0), WAD) == 0


def test_collateral_weight__two_products__are_floored_one_after_the_other() -> None:
    assert collateral_weight(75 * 10**16, 3, WAD) == 2
    assert collateral_weight(75 * 10**16, 3, WAD // 2) == 1


LINEAR = Curve(int(Kind.LINEAR), (1_000, 10**10))
JUMP = Curve(int(Kind.JUMP), (1_000, 10**10, 10**12, 8 * 10**17))
TWO_KINKS = Curve(
    int(Kind.TWO_KINKS), (0, 10**10, 5 * 10**17, 30, -(10**10), 8 * 10**17, 10**12, 5 * 10**9, 7)
)


@pytest.mark.parametrize(
    ("curve", "use", "rate"),
    [
        (LINEAR, 0, 1_000),
        (LINEAR, 999_999_999_999_999_999, 1_000 + 9_999_999_999),
        (JUMP, 8 * 10**17, 8 * 10**9 + 1_000),
        (JUMP, 9 * 10**17, 10**11 + 8 * 10**9 + 1_000),
        (TWO_KINKS, 4 * 10**17, 4 * 10**9),
        (TWO_KINKS, 6 * 10**17 + 1, 5 * 10**9 - 10**9 + 30),  # -1.00000000000000001e9 goes towards zero
        (TWO_KINKS, 9 * 10**17, 5 * 10**9 + 7 + 10**11),
        (TWO_KINKS, 2 * 10**18, 5 * 10**9 + 7 + 2 * 10**11),  # no more than everything can be lent
    ],
)
def test_borrow_rate__each_kind__follows_its_source(curve: Curve, use: int, rate: int) -> None:
    borrows = 10**18
    total = borrows * WAD // use if use else 0
    if use == 0:
        assert borrow_rate(curve, 1, 0, 0) == rate
        return
    cash, reserves = max(total - borrows, 0), max(borrows - total, 0)
    assert abs(utilization(cash, borrows, reserves) - use) <= use // 10**17 + 1
    found = borrow_rate(curve, cash, borrows, reserves)
    assert found is not None
    assert abs(found - rate) <= 1


def test_borrow_rate__falling_below_zero__is_zero() -> None:
    assert borrow_rate(TWO_KINKS._replace(numbers=(-5, 0, *TWO_KINKS.numbers[2:])), 10, 1, 0) == 0


def test_borrow_rate__unknown_model__is_left_to_reading() -> None:
    assert borrow_rate(Curve(int(Kind.UNKNOWN)), 1, 1, 0) is None
