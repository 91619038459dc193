"""Dollars for a comet whose feeds quote in something else, as those of ether do.

The feeds tie every asset to the base token, and the contract configured as `usd_oracle` says what a base
token is worth. Without it such a comet has no prices in USD, and nothing is planned.
"""

from collections.abc import Mapping
from typing import NamedTuple

from keeper.errors import ConfigError, Degraded
from keeper.protocols.base import Book, Reads
from keeper.protocols.comet.records import BASE, asset, order
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.types import USD, Address, checksum


class Rate(NamedTuple):
    """`usd` dollars are worth `unit` of what the feeds quote in; both with 8 decimals."""

    usd: int
    unit: int

    def in_usd(self, value: int) -> int:
        """A value in the feeds' unit in USD, floored."""
        return value * self.usd // self.unit


PAR = Rate(1, 1)


def check_oracle(name: str, oracle: Address) -> Reads[None]:
    """Make sure that `oracle` quotes as an AaveOracle in USD does.

    Raises:
        ConfigError: it does not.
    """
    (unit,) = yield [call(oracle, "BASE_CURRENCY_UNIT()")]
    if uint(unit) != USD:
        raise ConfigError(
            f"deployment {name!r}: usd_oracle {checksum(oracle)} does not quote in USD with 8 decimals, as "
            "an AaveOracle does"
        )


def read_dollars(book: Book, oracle: Address | None) -> Reads[None]:
    """Enter what a base token is worth in USD, where the feeds do not tell."""
    if book.get(("unit",)) == "USD":
        return
    price = None
    if oracle is not None:
        (answer,) = yield [call(oracle, "getAssetPrice(address)", asset(book, BASE))]
        price = uint(answer)
    replace(book, ("usd",), price or None)


def rate_of(book: Book) -> Rate | None:
    """What the feeds' unit is worth; None where nobody tells."""
    if book.get(("unit",), "USD") == "USD":
        return PAR
    usd, base = book.get(("usd",)), book.get(("price", BASE))
    return Rate(usd, base) if usd and base else None


def supposing(book: Book, prices: Mapping[Address, int]) -> tuple[dict[int, int], Rate | None]:
    """The feeds' answers by asset number (8 decimals, 0 where there is none) and what their unit is worth.

    `prices` (USD, 8 decimals) hold where given, and all others in USD stay. In another unit than dollars
    the base token's own answer stays too: its price in dollars moves the unit.

    Raises:
        Degraded: prices in USD mean nothing to the feeds.
    """
    answers = {number: max(book.get(("price", number)) or 0, 0) for number in (BASE, *order(book))}
    rate = rate_of(book)
    if not prices:
        return answers, rate
    if rate is None:
        raise Degraded(f"prices in USD mean nothing to this comet: its feeds quote in {book.get(('unit',))}")
    then = rate if rate == PAR else rate._replace(usd=prices.get(asset(book, BASE), rate.usd))
    for number, answer in answers.items():
        price = prices.get(asset(book, number))
        if number == BASE and rate != PAR:
            continue
        if price is not None:
            answers[number] = _scaled(price, then.unit, then.usd)
        elif then != rate:
            answers[number] = _scaled(answer, rate.usd, then.usd)
    return answers, then


def _scaled(price: int, numerator: int, denominator: int) -> int:
    """Floored, but a price stays one: an answer of 0 would mean that there is none."""
    return max(1, price * numerator // denominator) if price > 0 else 0
