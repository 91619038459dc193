"""Dollars for people and sums, also where a protocol judges health in something else."""

from types import SimpleNamespace
from typing import Any

from keeper.cli.positions import _money
from keeper.protocols.base import Health
from keeper.risk.report import report
from keeper.risk.worth import Worth, uncovered, worth
from keeper.types import USD, WAD, Address
from tests.morpho_world import COLLATERAL, LOAN, START, World

MILLION = 10**6
ACCOUNT = Address("0x" + "11" * 20)


def owing(debt: int, *, usd: int | None) -> tuple[World, Address]:
    """One whole collateral token against `debt` loan tokens; each loan token is worth `usd`."""
    world = World()
    account = world.position(debt * MILLION * MILLION, WAD)
    for token, decimals in ((LOAN, 6), (COLLATERAL, 18)):
        world.book.put(("decimals", token), decimals)
    world.book.put(("symbol", LOAN), "LOAN")
    world.book.put(("symbol", COLLATERAL), "COLL")
    world.book.put(("usd", LOAN), usd)
    world.book.put(("usd", COLLATERAL), None if usd is None else 1_500 * USD)
    return world, account


def test_worth__health_judged_in_dollars__is_taken_as_it_is() -> None:
    market: Any = SimpleNamespace(unit="USD")
    health = Health(ACCOUNT, 70 * USD, 90 * USD, WAD // 2, liquidatable=True)
    assert worth(market, health, None) == Worth(70 * USD, 90 * USD)
    assert uncovered(market, [health], None) == 20 * USD


def test_worth__health_judged_in_tokens__is_that_of_the_legs() -> None:
    world, account = owing(800, usd=2 * USD)
    frame = world.market.frame(world.now)
    health = world.market.health(account, frame)
    assert health.debt == 800 * MILLION
    assert worth(world.market, health, frame) == Worth(1_500 * USD, 1_600 * USD)
    assert uncovered(world.market, [health], frame) == 100 * USD


def test_worth__token_without_a_price__is_unknown() -> None:
    world, account = owing(800, usd=None)
    frame = world.market.frame(world.now)
    health = world.market.health(account, frame)
    assert worth(world.market, health, frame) is None
    assert uncovered(world.market, [health], frame) == 0


def test_report__market_that_counts_in_tokens__sums_dollars() -> None:
    world, _ = owing(800, usd=2 * USD)
    found = report(world.market, world.now, [])
    assert (found.collateral, found.debt, found.insolvency) == (1_500 * USD, 1_600 * USD, 100 * USD)
    assert (found.accounts, found.unvalued) == (1, 0)
    assert sum(rung.debt for rung in found.ladder) == found.debt


def test_report__no_prices__counts_accounts_and_sums_nothing() -> None:
    world, _ = owing(800, usd=None)
    found = report(world.market, world.now, [])
    assert (found.accounts, found.unvalued, found.debt) == (1, 1, 0)
    assert sum(rung.accounts for rung in found.ladder) == 1


def test_positions__market_that_counts_in_tokens__shows_dollars_or_else_the_tokens() -> None:
    view: Any = SimpleNamespace(frame=lambda market: market.frame(START))
    world, account = owing(800, usd=2 * USD)
    health = world.market.health(account, world.market.frame(world.now))
    assert _money(view, world.market, health) == ("$1,500.00", "$1,600.00")
    world, account = owing(800, usd=None)
    assert _money(view, world.market, health) == ("1 COLL", "800 LOAN")
