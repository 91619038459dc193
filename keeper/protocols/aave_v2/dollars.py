"""USD for a market that counts in ether.

The oracle knows no dollars. One dollar is taken to be worth what the oracle says a stable coin is: the
first of USDC, USDT and DAI that is listed and has a price. Where there is none, nothing has a price in
USD, and so nothing is planned.
"""

from collections.abc import Mapping

from keeper.errors import Degraded
from keeper.protocols.aave_v3.fold_oracle import price_at
from keeper.protocols.aave_v3.records import deployment, listed
from keeper.protocols.base import Book
from keeper.types import USD, WAD, Address

STABLES = ("USDC", "USDT", "DAI")


def dollar_at(book: Book, timestamp: int) -> int | None:
    """What one USD is worth at `timestamp`, in wei."""
    by_symbol = {book.get(("symbol", asset)): number for number, asset in listed(book)}
    prices = (price_at(book, by_symbol[symbol], timestamp) for symbol in STABLES if symbol in by_symbol)
    return next((price for price in prices if price), None)


def in_usd(price: int, dollar: int | None) -> int | None:
    """A price in wei as USD with 8 decimals, half up; None without a price or a dollar."""
    if not price or not dollar:
        return None
    return (price * USD + dollar // 2) // dollar


def in_wei(
    book: Book, timestamp: int, prices: Mapping[Address, int]
) -> tuple[dict[Address, int], int | None]:
    """Prices given in USD (8 decimals) as the oracle would have them in wei, and the dollar in wei then.

    Where ether itself has another price in USD, all others keep theirs and so get another in wei.

    Raises:
        Degraded: prices were given, but what a dollar is worth is not known.
    """
    dollar = dollar_at(book, timestamp)
    if not prices:
        return {}, dollar
    if dollar is None:
        raise Degraded("prices in USD mean nothing to this market: it lists no stable coin with a price")
    ether = book.get(("ether", deployment(book).oracle))
    then = WAD * USD // prices[ether] if prices.get(ether) else dollar
    changed: dict[Address, int] = {}
    if then != dollar:
        known = {asset: price_at(book, number, timestamp) for number, asset in listed(book)}
        changed = {asset: price * then // dollar for asset, price in known.items() if price}
    changed |= {asset: price * then // USD for asset, price in prices.items()}
    return changed | {ether: WAD}, then
