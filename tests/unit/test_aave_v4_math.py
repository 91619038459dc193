"""Aave v4's arithmetic, number by number: expectations worked out by hand from aave.md section 6."""

from typing import Any

import pytest

from keeper.protocols.aave_v4 import hub
from keeper.protocols.aave_v4.bonus import debt_to_target, liquidation_bonus
from keeper.protocols.aave_v4.math import div_up, from_ray_up, linear_growth, percent_mul_up, ray_mul_up
from keeper.protocols.aave_v4.records import Asset, LiquidationConfig
from keeper.types import RAY, USD, WAD, Address

TOKEN = Address("0x" + "70" * 20)
YEAR = 31_536_000


def asset(**fields: Any) -> Asset:
    return Asset(TOKEN, 18)._replace(**fields)


def test_rounding__up__is_up() -> None:
    assert (div_up(7, 2), div_up(8, 2), from_ray_up(RAY + 1), from_ray_up(0)) == (4, 4, 2, 0)
    assert (ray_mul_up(3, RAY + 1), percent_mul_up(1, 1), percent_mul_up(10_000, 5)) == (4, 1, 5)


def test_growth__ten_percent_for_half_a_year__is_five() -> None:
    assert linear_growth(RAY // 10, YEAR // 2) == RAY * 105 // 100
    assert linear_growth(1, YEAR - 1) == RAY


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"drawn_shares": 1}, RAY * 11 // 10),
        ({"premium_shares": 1}, RAY * 11 // 10),
        ({}, RAY),
    ],
)
def test_index__a_year_at_ten_percent__grows_only_while_something_is_owed(
    state: dict[str, int], expected: int
) -> None:
    assert hub.index_at(asset(drawn_rate=RAY // 10, **state), YEAR) == expected
    assert hub.index_at(asset(drawn_rate=RAY // 10, updated=YEAR, **state), YEAR) == RAY


def test_accrued__fee_of_ten_percent__is_kept_from_the_suppliers() -> None:
    before = asset(
        liquidity=500, drawn_shares=1_000, added_shares=1_500, drawn_rate=RAY // 10, liquidity_fee=1_000
    )
    after = hub.accrued(before, YEAR)
    assert (after.drawn_index, after.realized_fees, after.updated) == (RAY * 11 // 10, 10, YEAR)
    assert hub.added_assets(after) == 500 + 1_100 - 10
    assert hub.accrued(after, YEAR) == after


def test_owed__premium_and_deficit__count_besides_the_drawn() -> None:
    state = asset(drawn_shares=10, premium_shares=5, premium_offset=3 * RAY, deficit=RAY // 2)
    assert hub.owed(state, RAY) == 10 + 2 + 1


def test_conversions__share_worth_two__round_to_the_side_their_name_says() -> None:
    state = asset(liquidity=2 * 10**6 + 10**6, added_shares=10**6)  # 4e6 assets for 2e6 shares
    assert (hub.worth(state, 3), hub.cost(state, 3)) == (6, 6)
    assert (hub.shares_for(state, 5), hub.shares_out(state, 5)) == (2, 3)
    odd = state._replace(liquidity=state.liquidity + 1)
    assert (hub.worth(odd, 3), hub.cost(odd, 3)) == (6, 7)


RULES = LiquidationConfig(target=105 * WAD // 100, full_bonus_below=9 * WAD // 10, bonus_factor=5_000)


@pytest.mark.parametrize(
    ("health_factor", "bonus"),
    [
        (0, 11_000),
        (9 * WAD // 10, 11_000),
        (9 * WAD // 10 + 1, 10_999),  # 500 bps more than the least, floored
        (95 * WAD // 100, 10_750),
        (WAD - 1, 10_500),
    ],
)
def test_bonus__as_health_rises__falls_to_half(health_factor: int, bonus: int) -> None:
    assert liquidation_bonus(RULES, 11_000, health_factor) == bonus


def test_debt_to_target__by_hand() -> None:
    # $1,000 owed at health 0.9; a collateral factor of 80 % and a bonus of 5 % make a penalty of 0.84.
    found = debt_to_target(
        RULES,
        total_debt=1_000 * 10**26 * RAY,
        health_factor=9 * WAD // 10,
        unit=10**6,
        price=2 * USD,
        factor=8_000,
        bonus=10_500,
    )
    dollars = 1_000 * (1.05 - 0.9) / (1.05 - 0.84)
    assert found / RAY / 10**6 * 2 == pytest.approx(dollars)
    assert found == -(-1_000 * 10**26 * RAY * 10**6 * 15 // (21 * 2 * USD * WAD))
