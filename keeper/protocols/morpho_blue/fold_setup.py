"""Logs that bring markets, rate models and pre-liquidation contracts into being, and set their fees."""

from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word, word_address
from keeper.protocols.morpho_blue.records import (
    MOST_NUMBERS,
    PreLiquidation,
    Role,
    Terms,
    Totals,
    number_of,
    totals,
    watch,
)
from keeper.protocols.trust import doubt
from keeper.types import Address, Log

TOO_LATE = "a log speaks of a market that no log created: start_block is later than the block Morpho is of"


def known(book: Book, log: Log) -> int | None:
    """Number of the market that a log's first argument names; one that nobody created means doubt."""
    number = number_of(book, log.topics[1])
    if number is None and not book.get(("too_many", log.topics[1])):
        doubt(book, TOO_LATE)
    return number


def irm_enabled(book: Book, log: Log, timestamp: int) -> None:
    """EnableIrm: from now on markets may use the model."""
    del timestamp
    watch(book, topic_address(log, 1), Role.IRM)


def market_created(book: Book, log: Log, timestamp: int) -> None:
    """CreateMarket."""
    loan, collateral, oracle, irm = (word_address(log, place) for place in range(4))
    number: int = book.get(("markets",), 0)
    if number >= MOST_NUMBERS or book.get(("tokens",), 0) + 2 > MOST_NUMBERS:
        book.put(("too_many", log.topics[1]), 1)  # numbers are used up: nothing of it can be kept
        return
    loan_number, collateral_number = _token(book, loan), _token(book, collateral)
    terms = Terms(log.topics[1], loan, collateral, oracle, irm, word(log, 4), loan_number, collateral_number)
    book.put(("number", terms.id), number)
    book.put(("market", number), terms)
    book.put(("totals", number), Totals(updated=timestamp))
    book.put(("markets",), number + 1)
    watch(book, irm, Role.IRM)


def fee_set(book: Book, log: Log, timestamp: int) -> None:
    """SetFee; what accrued until now was logged before."""
    number = known(book, log)
    if number is not None:
        book.put(("totals", number), totals(book, number)._replace(fee=word(log, 0), updated=timestamp))


def recipient_set(book: Book, log: Log, timestamp: int) -> None:
    """SetFeeRecipient."""
    del timestamp
    book.put(("recipient",), topic_address(log, 1))


def rate_updated(book: Book, log: Log, timestamp: int) -> None:
    """BorrowRateUpdate of an adaptive curve."""
    del timestamp
    number = number_of(book, log.topics[1])
    if number is not None and book.get(("market", number)).irm == log.address:
        book.put(("rate_at_target", number), word(log, 1))


def pre_liquidation_created(book: Book, log: Log, timestamp: int) -> None:
    """CreatePreLiquidation(preLiquidation, id, (preLltv, LCF1, LCF2, LIF1, LIF2, oracle))."""
    del timestamp
    contract, number = topic_address(log, 1), number_of(book, log.data[:66])
    if number is None:
        return
    lltv, close_1, close_2, incentive_1, incentive_2 = (word(log, place) for place in range(1, 6))
    oracle = word_address(log, 6)
    book.put(
        ("pre", contract),
        PreLiquidation(number, lltv, close_1, close_2, incentive_1, incentive_2, oracle),
    )
    book.put(("pres", number), (*book.get(("pres", number), ()), contract))


def authorized(book: Book, log: Log, timestamp: int) -> None:
    """SetAuthorization(caller, authorizer, authorized, newIsAuthorized)."""
    del timestamp
    authorize(book, topic_address(log, 2), topic_address(log, 3), allowed=bool(word(log, 0)))


def authorize(book: Book, owner: Address, operator: Address, *, allowed: bool) -> None:
    """Remember whether `operator` may act for `owner`."""
    before: tuple[Address, ...] = book.get(("authorized", owner), ())
    if allowed == (operator in before):
        return
    after = (*before, operator) if allowed else tuple(each for each in before if each != operator)
    book.put(("authorized", owner), after)
    book.put(("users", operator), book.get(("users", operator), 0) + (1 if allowed else -1))


def _token(book: Book, token: Address) -> int:
    number: int | None = book.get(("token_number", token))
    if number is None:
        number = book.get(("tokens",), 0)
        book.put(("token", number), token)
        book.put(("token_number", token), number)
        book.put(("tokens",), number + 1)
    return number
