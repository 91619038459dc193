"""What logs do not carry, read at the head: oracle prices, rates of models without logs, dollars.

Only markets that have borrowers and are wanted are asked about. One that gives no answer is set aside by
itself; the others go on.
"""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.morpho_blue import calls, curve
from keeper.protocols.morpho_blue.assets import plain
from keeper.protocols.morpho_blue.records import Terms, markets, replace, totals, used_pre_liquidations
from keeper.protocols.morpho_blue.rules import Settings
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call

MOST_DECIMALS = 36


class _Active(NamedTuple):
    number: int
    terms: Terms


def refresh(book: Book, settings: Settings, block: BlockRef) -> Reads[None]:
    """Read at `block`, the one just folded."""
    active = [
        _Active(number, terms)
        for number, terms in markets(book)
        if totals(book, number).borrow_shares and settings.rules.wants(terms.id)
    ]
    tokens = list(
        dict.fromkeys(token for each in active for token in (each.terms.loan, each.terms.collateral))
    )
    yield from _learn_tokens(book, tokens)
    yield from _read_prices(book, active)
    yield from _read_rates(book, active, block)
    yield from _read_dollars(book, tokens, settings.usd_oracle)
    _set_aside(book, settings, {each.number for each in active})


def _learn_tokens(book: Book, tokens: Sequence[Address]) -> Reads[None]:
    fresh = [token for token in tokens if book.get(("symbol", token)) is None]
    if not fresh:
        return
    answers = yield [call(token, f"{view}()") for token in fresh for view in ("symbol", "decimals")]
    for token, symbol, decimals in zip(fresh, answers[::2], answers[1::2], strict=True):
        book.put(("symbol", token), plain(decode.text(symbol)))
        book.put(("decimals", token), decode.uint(decimals))


def _read_prices(book: Book, active: Sequence[_Active]) -> Reads[None]:
    oracles = [each.terms.oracle for each in active]
    oracles += [
        book.get(("pre", contract)).oracle
        for each in active
        for contract in used_pre_liquidations(book, each.number)
    ]
    asked = list(dict.fromkeys(oracles))
    if asked:
        answers = yield [calls.price(oracle) for oracle in asked]
        for oracle, answer in zip(asked, answers, strict=True):
            replace(book, ("price", oracle), decode.uint(answer))


def _read_rates(book: Book, active: Sequence[_Active], block: BlockRef) -> Reads[None]:
    """Ask the models that do not follow the adaptive curve, or were never seen to."""
    asked = [
        each for each in active if each.terms.irm != ZERO_ADDRESS and not book.get(("curve", each.terms.irm))
    ]
    if not asked:
        return
    answers = yield [calls.borrow_rate(each.terms, totals(book, each.number)) for each in asked]
    for each, answer in zip(asked, answers, strict=True):
        rate = decode.uint(answer)
        replace(book, ("rate", each.number), rate)
        if rate is not None:
            recognise(book, each.number, rate, block.timestamp)


def recognise(book: Book, number: int, rate: int, timestamp: int) -> None:
    """Follow a model that logs like the adaptive curve and answers `rate` as the curve would."""
    terms: Terms = book.get(("market", number))
    at_target = book.get(("rate_at_target", number))
    if at_target is None or book.get(("curve", terms.irm)) is not None:
        return
    stored = totals(book, number)
    derived = curve.rates(
        stored.supply_assets, stored.borrow_assets, at_target, timestamp - stored.updated
    ).average
    book.put(("curve", terms.irm), int(derived == rate))


def _read_dollars(book: Book, tokens: Sequence[Address], oracle: Address | None) -> Reads[None]:
    asked: list[Call] = [call(oracle, "getAssetPrice(address)", token) for token in tokens] if oracle else []
    answers: Sequence[bytes | None] = (yield asked) if asked else [None] * len(tokens)
    for token, answer in zip(tokens, answers, strict=True):
        replace(book, ("usd", token), decode.uint(answer) or None)


def _set_aside(book: Book, settings: Settings, active: set[int]) -> None:
    for number, terms in markets(book):
        if number in active:
            replace(book, ("set_aside", number), _trouble(book, number, terms))
        elif not settings.rules.wants(terms.id):
            replace(book, ("set_aside", number), UNWANTED)
        elif book.get(("set_aside", number)) is not None:
            book.put(("set_aside", number), None)


UNWANTED = "the configuration leaves it out"


def _trouble(book: Book, number: int, terms: Terms) -> str | None:
    if book.get(("price", terms.oracle)) is None:
        return f"its oracle {terms.oracle} gives no price"
    followed = terms.irm == ZERO_ADDRESS or book.get(("curve", terms.irm))
    if not followed and book.get(("rate", number)) is None:
        return f"its rate model {terms.irm} gives no rate"
    for token in (terms.loan, terms.collateral):
        if (book.get(("decimals", token)) or 0) > MOST_DECIMALS:
            return f"its token {token} claims more than {MOST_DECIMALS} decimals"
    return None
