"""Integers that the contracts gave (reference page, §6bis), from the same inputs."""

import pytest

from keeper.protocols.euler_v2.liquidation import discounted
from keeper.protocols.euler_v2.math import accrue, assets_up, liquidation_ltv, owed_now, rpow, to_assets
from keeper.protocols.euler_v2.names import MAX_OWED
from keeper.protocols.euler_v2.records import Ltv, Status
from keeper.types import MAX_UINT256, RAY

RATE = 1585489599188229325
WAD = 10**18


@pytest.mark.parametrize(
    ("seconds", "power"),
    [
        (0, RAY),
        (1, 1000000001585489599188229325),
        (2, 1000000003170979200890235919),
        (3, 1000000004756468805106019786),
        (3600, 1000005707778841860496470325),
        (31556952, 1051306019276141161616719426),
    ],
)
def test_rpow__golden_integers(seconds: int, power: int) -> None:
    assert rpow(RAY + RATE, seconds) == power


@pytest.mark.parametrize(("base", "exponent"), [(1 << 128, 2), (1 << 127, 3), (MAX_UINT256, 2)])
def test_rpow__beyond_256_bits__says_so(base: int, exponent: int) -> None:
    assert rpow(base, exponent) is None


def test_accrue__an_hour__golden_accumulator_and_debt() -> None:
    before = Status(0, accumulator=1033 * 10**24 + 7, rate=RATE)
    accumulator = accrue(before, 1000, 3600).accumulator
    assert accumulator == 1033005896135543641892853852
    owed = owed_now((123456789 << 31) + 987654321, accumulator, 101 * 10**25 + 3)
    assert (owed, assets_up(owed)) == (271160403167779950, 126268903)


def test_accrue__interest_that_overflows__is_not_charged() -> None:
    before = Status(0, shares=1, borrows=5 << 31, accumulator=RAY, rate=291867278914945094175)
    after = accrue(before, 1000, 10**9)
    assert (after.accumulator, after.borrows, after.updated) == (RAY, 5 << 31, 10**9)


def test_accrue__debt_beyond_its_limit__stays_as_it_was() -> None:
    before = Status(0, shares=1, borrows=MAX_OWED, accumulator=RAY, rate=RAY // 10**6)
    assert accrue(before, 1000, 10) == before


def test_accrue__fees__are_shares_at_the_price_after_interest() -> None:
    before = Status(0, shares=10**12, borrows=10**12 << 31, fees=5, rate=RAY // 100)
    after = accrue(before, 1000, 1)
    assert after.borrows == 101 * 10**10 << 31
    assert after.shares == 101 * 10**10 * 10**12 // (101 * 10**10 - 10**9)
    assert after.fees == 5 + after.shares - 10**12
    assert to_assets(after, 10**6) == 10**6 * (101 * 10**10 + 10**6) // (after.shares + 10**6)


@pytest.mark.parametrize(
    ("account", "balance", "value", "discount", "repay", "shares"),
    [
        ((97 * WAD + 1, 100 * WAD, 50000001), 40 * WAD, 120 * WAD, 1500, 50000001, 34364261168384879725),
        ((60 * WAD, 100 * WAD, 50000001), 40 * WAD, 70 * WAD, 1500, 29750000, 40 * WAD),
        ((100 * WAD, 100 * WAD, 50000001), 40 * WAD, 120 * WAD, 1500, 50000001, 33333333333333333333),
        ((0, 100 * WAD, 50000001), 40 * WAD, 0, 1500, 0, 40 * WAD),
    ],
)
def test_discounted__golden_integers(  # noqa: PLR0917 - a row of the table
    account: tuple[int, int, int], balance: int, value: int, discount: int, repay: int, shares: int
) -> None:
    assert discounted(account, balance, value, discount) == (repay, shares)


@pytest.mark.parametrize(
    ("remaining", "ltv"), [(86_400, 8500), (43_200, 7750), (1, 7000), (0, 7000), (-10, 7000)]
)
def test_liquidation_ltv__down_a_ramp__golden_integers(remaining: int, ltv: int) -> None:
    ramp = Ltv(6500, 7000, 8500, 1_000_000, 86_400)
    assert liquidation_ltv(ramp, 1_000_000 - remaining) == ltv


def test_liquidation_ltv__raised__holds_at_once() -> None:
    assert liquidation_ltv(Ltv(8000, 8500, 7000, 1_000_000, 0), 999_999) == 8500
