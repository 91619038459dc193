"""When an account crosses into liquidation: by the price of one asset, or by interest alone.

Both are found by bisection over the protocol's own exact health, so the answer is the very integer
at which the contract changes its mind. Health is monotone in each variable unless the account holds
the asset on both sides; the search then returns the crossing nearest to now in its direction.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from keeper.protocols.base import AssetInfo, Market, Side
from keeper.types import Address

HORIZON = 5 * 365 * 86_400
"""Seconds ahead that interest is followed: beyond five years no rate stays as it is."""

HIGHEST_RISE = 1_000
"""Rises are searched up to this multiple of today's price."""


class PriceCrossing(NamedTuple):
    """The first price of `asset` (USD, 8 decimals) at which the account is liquidatable, others unchanged."""

    asset: AssetInfo
    price: int
    falls: bool


def price_crossings(market: Market, account: Address, timestamp: int) -> list[PriceCrossing]:
    """Crossing price of every asset the account holds or owes, where there is one.

    A liquidatable account has none: it has crossed already.
    """
    if market.health(account, market.frame(timestamp)).liquidatable:
        return []
    assets = {info.asset: info for info in market.assets()}
    crossings = []
    for number, side, _, enabled in market.book.legs(account):
        info = assets.get(number)
        if info is None or info.price is None or not enabled:
            continue
        falls = side is Side.COLLATERAL
        price = _price_crossing(market, account, timestamp, info, falls)
        if price is not None:
            crossings.append(PriceCrossing(info, price, falls))
    return crossings


def time_crossing(market: Market, account: Address, timestamp: int) -> int | None:
    """The first second at which interest alone makes the account liquidatable, None within HORIZON."""

    def crossed(seconds: int) -> bool:
        return market.health(account, market.frame(timestamp + seconds)).liquidatable

    if not crossed(HORIZON):
        return None
    return timestamp + _first(crossed, 0, HORIZON)


def _price_crossing(
    market: Market, account: Address, timestamp: int, info: AssetInfo, falls: bool
) -> int | None:
    now = info.price or 0

    def crossed(distance: int) -> bool:
        price = now - distance if falls else now + distance
        frame: Any = market.frame(timestamp, {info.address: price})
        return market.health(account, frame).liquidatable

    furthest = now - 1 if falls else now * (HIGHEST_RISE - 1)
    if furthest <= 0 or not crossed(furthest):
        return None
    distance = _first(crossed, 0, furthest)
    return now - distance if falls else now + distance


def _first(crossed: Callable[[int], bool], healthy: int, unhealthy: int) -> int:
    while unhealthy - healthy > 1:
        middle = (healthy + unhealthy) // 2
        if crossed(middle):
            unhealthy = middle
        else:
            healthy = middle
    return unhealthy
