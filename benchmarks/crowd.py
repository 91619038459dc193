"""A devnet's market with 100,000 accounts more in the book, and prices at which single borrowers cross."""

from collections.abc import Iterator
from random import Random

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.base import AssetInfo, Side
from keeper.types import BPS, USD, Address

DEEPEST = 1_000
"""Prices fall by at most this many parts of BPS: all of the crowd stays healthy."""


Prices = dict[str, int]
"""By symbol, in USD with 8 decimals."""


def crowd(market: AaveV3Market, count: int, timestamp: int) -> None:
    """Add `count` made-up accounts with one to three collaterals and one or two debts.

    Their health factors lie between 1.15 and 4: too much for prices that fall by DEEPEST.
    """
    book, random = market.book, Random(1)  # noqa: S311 - reproducible, not secret
    assert isinstance(book, ColumnarBook)
    thresholds = market.frame(timestamp).limits[0].threshold
    assets = [info for info in market.assets() if info.price and thresholds[info.asset]]
    for number in range(count):
        account = Address(f"0x{number + 1:040x}")
        worth = int(10 ** random.uniform(3, 6) * USD)
        held = random.sample(assets, random.randint(1, 3))
        power = sum(worth * thresholds[info.asset] // BPS for info in held)
        for info in held:
            book.set_quantity(account, info.asset, Side.COLLATERAL, _units(worth, info))
            book.set_enabled(account, info.asset, True)
        owed = random.sample(assets, random.randint(1, 2))
        debt = int(power / random.uniform(1.15, 4) / len(owed))
        for info in owed:
            book.set_quantity(account, info.asset, Side.DEBT, _units(debt, info))


def crossings(market: AaveV3Market, timestamp: int) -> Iterator[Prices]:
    """Changes of prices, one after the other, each of which makes another borrower liquidatable.

    One asset falls after the other; with the first fall of the next the former is back where it was, for
    nobody's health was looked at with both.
    """
    back: Prices = {}
    for info in [info for info in market.assets() if info.price]:
        for price in _of(market, info, timestamp):
            yield {**back, info.symbol: price}
            back = {}
        back[info.symbol] = info.price or 0


def _of(market: AaveV3Market, info: AssetInfo, timestamp: int) -> list[int]:
    """Prices of one asset, falling, each of which is the highest at which somebody is liquidatable."""
    assert info.price
    low, known = info.price * (BPS - DEEPEST) // BPS, set[int]()
    end = market.frame(timestamp, {info.address: low})
    start = market.frame(timestamp)
    for account in market.book.accounts():
        before, after = (market.health(account, frame).liquidatable for frame in (start, end))
        if after and not before:
            known.add(_crossing(market, info, account, timestamp))
    return sorted(known, reverse=True)


def _crossing(market: AaveV3Market, info: AssetInfo, account: Address, timestamp: int) -> int:
    """The highest price at which the account is liquidatable."""
    assert info.price
    bad, good = info.price * (BPS - DEEPEST) // BPS, info.price
    while good - bad > 1:
        middle = (good + bad) // 2
        if market.health(account, market.frame(timestamp, {info.address: middle})).liquidatable:
            bad = middle
        else:
            good = middle
    return bad


def _units(usd: int, info: AssetInfo) -> int:
    unit: int = 10**info.decimals
    return usd * unit // (info.price or USD)
