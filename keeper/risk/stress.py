"""What a list of price shocks would liquidate, and what debt nobody would be left to pay.

Every account is re-evaluated exactly at the shocked prices. Two conventions of bad debt are in use
and both are reported: *insolvency* (debt above collateral, Gauntlet's VaR convention) and *deficit*
(what the protocol writes off after liquidators took all collateral with their bonus).
"""

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from keeper.errors import ConfigError
from keeper.protocols.base import Market
from keeper.risk.scan import scan
from keeper.risk.worth import valued
from keeper.types import Address

SHOCK = re.compile(r"([^=\s]+)=([+-]?\d+(?:\.\d+)?)%")


class Shock(NamedTuple):
    """A relative price change of one asset: Fraction(-3, 10) is a fall by 30 %."""

    symbol: str
    change: Fraction


class Stress(NamedTuple):
    """Result of a stress. Money in USD with 8 decimals, of `accounts` as far as they have prices."""

    accounts: int
    collateral: int
    debt: int
    repaid: int
    insolvency: int
    deficit: int


def parse_shock(text: str) -> Shock:
    """Read "WETH=-30%".

    Raises:
        ConfigError: not of that form, or a fall of 100 % or more.
    """
    match = SHOCK.fullmatch(text)
    if match is None:
        raise ConfigError(f'--shock {text!r}: not ASSET=PERCENT%; write e.g. --shock "WETH=-30%"')
    symbol, percent = match.groups()
    relative = Fraction(percent) / 100
    if relative <= -1:
        raise ConfigError(f"--shock {text!r}: a price cannot fall by 100% or more; write e.g. -99%")
    return Shock(symbol, relative)


def shocked_prices(market: Market, shocks: Iterable[Shock]) -> dict[Address, int]:
    """Prices of the named assets after the shocks (USD, 8 decimals, floored, at least the smallest unit).

    Raises:
        ConfigError: the market has no such asset, it has no price now, or it is named twice.
    """
    prices: dict[Address, int] = {}
    for shock in shocks:
        # A token may back several of a market's assets: it is one price all the same.
        named = {
            info.address: info for info in market.assets() if info.symbol.lower() == shock.symbol.lower()
        }
        if not named:
            known = ", ".join(sorted(asset.symbol for asset in market.assets()))
            raise ConfigError(f"--shock {shock.symbol}: {market.name} has no such asset; it has {known}")
        for info in named.values():
            if info.price is None:
                raise ConfigError(f"--shock {shock.symbol}: its oracle gives no price now")
            if info.address in prices:
                raise ConfigError(f"--shock {shock.symbol}: given twice; keep one")
            # A price of 0 would mean that there is none.
            prices[info.address] = max(1, int(info.price * (1 + shock.change)))
    return prices


def stress(market: Market, timestamp: int, prices: Mapping[Address, int]) -> Stress:
    """Judge every account at `prices` and let liquidators take all they are allowed to."""
    frame = market.frame(timestamp, prices)
    liquidatable = scan(market, frame).liquidatable
    worths = [worth for _, worth in valued(market, liquidatable, frame) if worth]
    repaid = deficit = 0
    for health in liquidatable:
        end = market.exhaust(health.account, frame)
        repaid += _usd(market, end.repaid, prices)
        deficit += _usd(market, end.bad_debt, prices)
    return Stress(
        accounts=len(liquidatable),
        collateral=sum(worth.collateral for worth in worths),
        debt=sum(worth.debt for worth in worths),
        repaid=repaid,
        insolvency=sum(worth.uncovered for worth in worths),
        deficit=deficit,
    )


def usd_value(market: Market, amounts: Mapping[Address, int]) -> int:
    """Worth of token amounts at the oracle's prices now (USD, 8 decimals)."""
    return _usd(market, amounts, {})


def _usd(market: Market, amounts: Mapping[Address, int], prices: Mapping[Address, int]) -> int:
    by_address: dict[Address, Any] = {info.address: info for info in market.assets()} if amounts else {}
    total = 0
    for address, amount in amounts.items():
        info = by_address[address]
        total += amount * prices.get(address, info.price or 0) // 10**info.decimals
    return total
