"""Comet's integers: the golden ones of the reference, which matched the real contract."""

import pytest

from keeper.protocols.base import Side
from keeper.protocols.comet import storefront
from keeper.protocols.comet.absorb import Absorbed, absorb
from keeper.protocols.comet.math import (
    Indexes,
    Split,
    Totals,
    accrued,
    discounted,
    present_value,
    principal_value,
    split,
    utilization,
)
from keeper.protocols.comet.position import Position
from keeper.types import WAD
from tests.comet_world import ALICE, BORROW, START, SUPPLY, USDC, WETH, World

BEFORE = Indexes(1012345678901234, 1034567890123456)
AFTER = Indexes(1012538053507544, 1034766584608133)
DAY = 86_400
TOTALS = Totals(BEFORE, 900000000000001, 800000000000003, START)


def test_accrued__golden_day__utilization_rates_and_indexes() -> None:
    used = utilization(TOTALS)
    assert used == 908401074354446936
    assert (SUPPLY.rate(used), BORROW.rate(used)) == (2199404798, 2222864933)
    assert accrued(TOTALS, SUPPLY, BORROW, START + DAY) == TOTALS._replace(indexes=AFTER, updated=START + DAY)


@pytest.mark.parametrize("seconds", [0, -5])
def test_accrued__no_time_passed__changes_nothing(seconds: int) -> None:
    assert accrued(TOTALS, SUPPLY, BORROW, START + seconds) == TOTALS


def test_rate__at_and_beyond_the_kink__joins() -> None:
    assert BORROW.rate(BORROW.kink) == BORROW.base + BORROW.low * BORROW.kink // WAD
    assert BORROW.rate(2 * WAD) > BORROW.rate(WAD) > BORROW.rate(BORROW.kink)
    assert utilization(TOTALS._replace(supply=0)) == 0


def test_present_value__either_sign__rounds_down_and_principal_of_debt_up() -> None:
    assert present_value(-5000000007, AFTER) == -5173832930
    assert present_value(7, AFTER) == 7
    assert principal_value(-1, AFTER) == -1
    assert principal_value(1, AFTER) == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (-10, 5, Split(5, -10)),
        (-10, -4, Split(0, -6)),
        (3, 8, Split(5, 0)),
        (8, -2, Split(-8, 2)),
        (-2, -9, Split(0, 7)),
        (9, 1, Split(-8, 0)),
    ],
)
def test_split__change_of_principal__moves_both_totals(old: int, new: int, expected: Split) -> None:
    assert split(old, new) == expected


def golden() -> World:
    """The reference's account: its collateral is worth less than its debt."""
    world = World()
    world.deposit(ALICE, WETH, 2700000000000000003)
    world.book.set_quantity(ALICE, 0, Side.DEBT, 5000000007)
    world.state(Totals(AFTER, 0, 5000000007, START))
    world.prices({USDC: 99990000, WETH: 184012345678})
    return world


def test_absorb__golden_account__debt_liquidity_and_credit() -> None:
    world = golden()
    frame = world.market.frame(START)
    health = world.market.health(ALICE, frame)
    assert health.details["borrow_balance"] == 5173832930
    assert health.details["liquidity"] == -72665721340
    assert health.liquidatable
    absorbed = absorb(Position.of(world.book, ALICE), frame)
    assert isinstance(absorbed, Absorbed)
    assert (absorbed.paid_out, absorbed.principal) == (5173832930, 0)
    assert absorbed.shortfall == 5173832930 - 4720388705
    assert absorbed.after.asset(1).stock == 2700000000000000003  # type: ignore[union-attr]


def test_quote__golden_discount__and_most_base_that_the_reserves_serve() -> None:
    world = golden()
    world.stock(WETH, 2700000000000000003)
    frame = world.market.frame(START)
    weth = frame.assets[0]
    assert discounted(weth.price, weth.terms.liquidation_factor, frame.terms.storefront) == 179412037036
    assert storefront.quote(weth, 1000000001, frame) == 557320466072889319
    assert storefront.span(weth, weth.stock, frame) == ((1, 4844609460),)
