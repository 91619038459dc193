"""What logs do not carry, read at the head: totals, prices, reserves and base principals."""

from keeper.errors import ConfigError, Degraded
from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.comet import records
from keeper.protocols.comet.math import Indexes, Totals
from keeper.protocols.comet.opening import read_terms
from keeper.protocols.comet.poll import Rota, hurry, read_principals, turn
from keeper.protocols.comet.records import BASE, Collateral, comet, order, terms
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Call

_INCOMPLETE = "the comet holds other collateral than the logs since start_block brought it"
_UNKNOWN = "its new implementation does not answer like a comet"


def refresh(name: str, book: Book, rota: Rota) -> Reads[Rota]:
    """Read everything that moved, compare the collateral with the contract's sums where that is open.

    Returns the rota for the next head.

    Raises:
        ConfigError: the comet holds collateral but the logs since the start block name none.
    """
    if book.get(("upgraded",)):
        yield from _reread_terms(book)
    before: Totals | None = book.get(("totals",))
    yield from read_state(book)
    after: Totals | None = book.get(("totals",))
    if before and after and (before.indexes, before.updated) != (after.indexes, after.updated):
        rota = hurry(book, rota)
    if rota.hurried is None or book.get(("doubt",)) == _INCOMPLETE:
        yield from _check_history(name, book)
    accounts, next_rota = turn(book, rota)
    yield from read_principals(book, accounts)
    return next_rota


def _reread_terms(book: Book) -> Reads[None]:
    try:
        yield from read_terms(book, comet(book))
    except Degraded:
        doubt(book, _UNKNOWN)
        return
    book.put(("upgraded",), None)
    if book.get(("doubt",)) == _UNKNOWN:
        book.put(("doubt",), None)


def read_state(book: Book) -> Reads[None]:
    """Totals, pauses, cash, prices and collateral reserves, in one batch."""
    contract, numbers = comet(book), order(book)
    prices = [_price_call(book, number) for number in (BASE, *numbers)]
    stocks = [call(contract, "getCollateralReserves(address)", records.asset(book, n)) for n in numbers]
    answers = yield [
        call(contract, "totalsBasic()"),
        call(records.asset(book, BASE), "balanceOf(address)", contract),
        *prices,
        *stocks,
    ]
    _take_totals(book, answers[0])
    replace(book, ("cash",), uint(answers[1]))
    for number, answer in zip((BASE, *numbers), answers[2:], strict=False):
        replace(book, ("price", number), answer_of(answer))
    for number, answer in zip(numbers, answers[2 + len(prices) :], strict=True):
        replace(book, ("stock", number), uint(answer))


def _price_call(book: Book, number: int) -> Call:
    if number == BASE:
        return call(terms(book).feed, "latestRoundData()")
    collateral: Collateral = book.get(("collateral", number))
    return call(collateral.feed, "latestRoundData()")


def answer_of(result: bytes | None) -> int | None:
    """A feed's last answer, of any age; None where it is not above zero, which the comet refuses."""
    value = uint(result, 1)
    return value if value and not value >> 255 else None


def totals_of(answer: bytes | None) -> tuple[Totals, int] | None:
    """TotalsBasic without reward tracking, and pauseFlags; None where the contract gave none."""
    words = [uint(answer, position) for position in (0, 1, 4, 5, 6, 7)]
    values = [word for word in words if word is not None]
    if len(values) < len(words):
        return None
    supply_index, borrow_index, supply, borrow, updated, paused = values
    return Totals(Indexes(supply_index, borrow_index), supply, borrow, updated), paused


def _take_totals(book: Book, answer: bytes | None) -> None:
    found = totals_of(answer)
    if found is None:
        doubt(book, _UNKNOWN)
        return
    replace(book, ("totals",), found[0])
    replace(book, ("paused",), found[1])


def _check_history(name: str, book: Book) -> Reads[None]:
    """Collateral comes from logs alone: if they add up to the contract's sums, none is missing."""
    numbers = order(book)
    if not numbers:
        return
    calls = [call(comet(book), "totalsCollateral(address)", records.asset(book, n)) for n in numbers]
    answers = yield calls
    ours = collateral_sums(book)
    theirs = {n: uint(answer) for n, answer in zip(numbers, answers, strict=True)}
    differ = any(total is not None and total != ours.get(n, 0) for n, total in theirs.items())
    if differ and not any(ours.values()):
        raise ConfigError(
            f"deployment {name!r}: the comet holds collateral, but the logs since start_block name none: "
            "start_block must not be later than the block the comet was deployed in"
        )
    if differ:
        doubt(book, _INCOMPLETE)
    elif book.get(("doubt",)) == _INCOMPLETE:
        book.put(("doubt",), None)


def collateral_sums(book: Book) -> dict[int, int]:
    """What all accounts have deposited, by asset number."""
    sums: dict[int, int] = {}
    for account in book.accounts():
        for number, side, quantity, _ in book.legs(account):
            if number != BASE and side is Side.COLLATERAL:
                sums[number] = sums.get(number, 0) + quantity
    return sums
