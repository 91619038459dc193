"""Prices of tokens in USD, for ranking and profit: no rule of the protocol depends on them."""

from collections.abc import Iterable, Sequence

from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.euler_v2.frame import EulerFrame, asset_record
from keeper.protocols.euler_v2.names import RESERVED_RANGE, USD_UNIT
from keeper.protocols.euler_v2.records import Hop, Scale
from keeper.protocols.euler_v2.wanted import Pair
from keeper.protocols.records import replace
from keeper.types import Address

_DOLLARS = Scale(1, 10**10)
"""From a dollar of 18 decimals to one of 8."""


def price_tokens(book: Book, frame: EulerFrame, pairs: Sequence[Pair]) -> Reads[None]:
    """Enter the price of every token that the pairs' vaults hold, and of their units of account."""
    units = {each.unit: each.oracle for each in reversed(pairs) if each.unit != USD_UNIT}
    replace(book, ("usd", USD_UNIT), _DOLLARS)
    known: dict[Address, int] = _prices(book, frame, pairs)
    if units:
        name = "getQuote(uint256,address,address)"
        answers = yield [
            call(oracle, name, _whole(book, unit), unit, USD_UNIT) for unit, oracle in units.items()
        ]
        for unit, answer in zip(units, answers, strict=True):
            quote, whole = decode.uint(answer), _whole(book, unit)
            if quote:
                replace(book, ("usd", unit), Scale(quote, whole * 10**10))
            elif unit in known:
                replace(book, ("usd", unit), Scale(known[unit], whole))
        known = _prices(book, frame, pairs)
    for each in pairs:
        unit, rate = each.unit, book.get(("usd", each.unit))
        if rate is not None and int(unit, 16) > RESERVED_RANGE:
            known.setdefault(unit, _whole(book, unit) * rate.num // rate.den)
    for token in _tokens(pairs):
        replace(book, ("price", token), known.get(token) or None)


def _prices(book: Book, frame: EulerFrame, pairs: Iterable[Pair]) -> dict[Address, int]:
    """USD with 8 decimals per whole token, as the first vault that can tell says."""
    prices: dict[Address, int] = {}
    for each in pairs:
        token, rate = each.held.asset, book.get(("usd", each.unit))
        if rate is None or not token or token in prices:
            continue
        worth = _worth_of_one(book, frame, each)
        if worth is not None:
            prices[token] = worth * rate.num // rate.den
    return prices


def _worth_of_one(book: Book, frame: EulerFrame, pair: Pair) -> int | None:
    """A whole token in the unit of account, None where only its vault's shares are quoted."""
    steps = frame.steps(pair.controller.number, pair.held.number)
    if steps is None:
        return None
    if pair.held.number != pair.controller.number:
        if not steps or steps[0] != Hop(pair.held.number):
            return None
        steps = steps[1:]
    return frame.apply(steps, _whole(book, pair.held.asset))


def _whole(book: Book, token: Address) -> int:
    """One whole token, or unit of account, in its smallest units."""
    decimals = 18 if int(token, 16) <= RESERVED_RANGE else asset_record(book, token).decimals
    unit: int = 10**decimals
    return unit


def _tokens(pairs: Iterable[Pair]) -> list[Address]:
    named = [token for each in pairs for token in (each.held.asset, each.controller.asset, each.unit)]
    return [token for token in dict.fromkeys(named) if token and int(token, 16) > RESERVED_RANGE]
