"""The ladder: every account with debt stands on exactly one rung."""

import pytest

from keeper.protocols.base import Health
from keeper.risk.ladder import STEPS, ladder
from keeper.risk.worth import Worth
from keeper.types import MAX_UINT256, WAD, Address

ACCOUNT = Address("0x" + "11" * 20)


def account(factor: int, debt: int = 10, collateral: int = 20) -> tuple[Health, Worth | None]:
    return Health(ACCOUNT, collateral, debt, factor, factor < WAD), Worth(collateral, debt)


def test_ladder__nobody__has_all_rungs_empty() -> None:
    rungs = ladder([])
    assert [rung.high for rung in rungs] == [*STEPS, None]
    assert [rung.low for rung in rungs] == [0, *STEPS]
    assert {(rung.accounts, rung.collateral, rung.debt) for rung in rungs} == {(0, 0, 0)}


@pytest.mark.parametrize(
    ("factor", "rung"),
    [(0, 0), (WAD - 1, 0), (WAD, 1), (STEPS[1] - 1, 1), (STEPS[1], 2), (STEPS[-1] - 1, 6), (STEPS[-1], 7)],
)
def test_ladder__on_the_edge_of_a_rung__belongs_to_the_one_above(factor: int, rung: int) -> None:
    assert [place.accounts for place in ladder([account(factor)])].index(1) == rung


def test_ladder__accounts_without_debt__are_not_counted() -> None:
    assert not any(rung.accounts for rung in ladder([account(MAX_UINT256, debt=0)]))


def test_ladder__several_accounts__sums_collateral_and_debt() -> None:
    rungs = ladder([account(WAD // 2, 5, 4), account(WAD // 3, 7, 2), account(3 * WAD, 1, 9)])
    assert rungs[0][2:] == (2, 6, 12)
    assert rungs[-1][2:] == (1, 9, 1)


def test_ladder__account_without_a_price__is_counted_and_in_no_sum() -> None:
    rungs = ladder([account(WAD // 2, 5, 4), (account(WAD // 2)[0], None)])
    assert rungs[0][2:] == (2, 4, 5)
