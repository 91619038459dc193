"""Shocks as people write them, and the prices that they mean."""

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from keeper.errors import ConfigError
from keeper.protocols.base import AssetInfo
from keeper.risk.stress import Shock, parse_shock, shocked_prices, usd_value
from keeper.types import USD, Address

WETH, OTHER, BLIND, CHEAP = (Address("0x" + digit * 40) for digit in "1234")
ASSETS = [
    AssetInfo(0, WETH, "WETH", 18, 2_500 * USD + 1),
    AssetInfo(1, OTHER, "USD₮0", 6, USD),
    AssetInfo(2, BLIND, "BLIND", 18, None),
    AssetInfo(3, CHEAP, "DUST", 18, 3),
]
MARKET: Any = SimpleNamespace(name="pool", assets=lambda: ASSETS)


@pytest.mark.parametrize(
    ("text", "shock"),
    [
        ("WETH=-30%", Shock("WETH", Fraction(-3, 10))),
        ("WETH=+12.5%", Shock("WETH", Fraction(1, 8))),
        ("USD₮0=5%", Shock("USD₮0", Fraction(1, 20))),
        ("X=-99.99%", Shock("X", Fraction(-9999, 10000))),
    ],
)
def test_parse_shock__of_the_form__is_exact(text: str, shock: Shock) -> None:
    assert parse_shock(text) == shock


@pytest.mark.parametrize(
    "text", ["", "WETH", "WETH-30%", "WETH=30", "=5%", "WETH=x%", "WETH=-1e2%", "A B=1%"]
)
def test_parse_shock__of_another_form__shows_how(text: str) -> None:
    with pytest.raises(ConfigError, match=r'write e.g. --shock "WETH=-30%"'):
        parse_shock(text)


@pytest.mark.parametrize("text", ["WETH=-100%", "WETH=-250%"])
def test_parse_shock__falls_by_everything__is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot fall by 100% or more"):
        parse_shock(text)


def test_shocked_prices__symbols_in_any_case__are_floored() -> None:
    shocks = [Shock("weth", Fraction(-1, 2)), Shock("USD₮0", Fraction(1, 10))]
    assert shocked_prices(MARKET, shocks) == {WETH: 1_250 * USD, OTHER: USD * 11 // 10}


def test_shocked_prices__almost_nothing_left__is_not_taken_for_no_price() -> None:
    assert shocked_prices(MARKET, [Shock("DUST", Fraction(-99, 100))]) == {CHEAP: 1}


def test_shocked_prices__two_tokens_of_one_symbol__both_move() -> None:
    twin = AssetInfo(4, Address("0x" + "5" * 40), "WETH", 18, 2_400 * USD)
    market: Any = SimpleNamespace(name="pool", assets=lambda: [*ASSETS, twin])
    assert set(shocked_prices(market, [Shock("WETH", Fraction(-1, 10))])) == {WETH, twin.address}


@pytest.mark.parametrize(
    ("symbols", "said"),
    [
        (["NOPE"], "has no such asset; it has BLIND, DUST, USD₮0, WETH"),
        (["BLIND"], "gives no price now"),
        (["WETH", "weth"], "given twice"),
    ],
)
def test_shocked_prices__that_mean_nothing__are_refused(symbols: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        shocked_prices(MARKET, [Shock(symbol, Fraction(-1, 10)) for symbol in symbols])


def test_usd_value__several_tokens__each_at_its_price_and_decimals() -> None:
    amounts = {WETH: 2 * 10**18, OTHER: 1_500_000, BLIND: 10**18}
    assert usd_value(MARKET, amounts) == 5_000 * USD + 2 + USD * 3 // 2


def test_shocked_prices__token_behind_several_assets__is_one_price() -> None:
    twin = AssetInfo(4, WETH, "WETH", 18, 2_500 * USD + 1)
    market: Any = SimpleNamespace(name="vaults", assets=lambda: [*ASSETS, twin])
    assert shocked_prices(market, [Shock("WETH", Fraction(-1, 2))]) == {WETH: 1_250 * USD}
