"""Liquidations that a transaction's logs report."""

from collections.abc import Iterable

from keeper.protocols.base import Book, LiquidationEvent
from keeper.protocols.decode import topic, topic_address, word
from keeper.protocols.morpho_blue.events import LIQUIDATE, PRE_LIQUIDATE
from keeper.protocols.morpho_blue.records import Terms, account_key, morpho, number_of
from keeper.types import Log

_LIQUIDATE, _PRE_LIQUIDATE = topic(LIQUIDATE), topic(PRE_LIQUIDATE)


def liquidation_events(book: Book, logs: Iterable[Log]) -> list[LiquidationEvent]:
    """Morpho's Liquidate, and PreLiquidate of the contracts that the factory made."""
    return [event for log in logs if (event := _event(book, log))]


def _event(book: Book, log: Log) -> LiquidationEvent | None:
    """Both name market, liquidator, borrower; then assets repaid, shares repaid, collateral seized."""
    own = log.address == morpho(book) and log.topics[:1] == (_LIQUIDATE,)
    pre = log.topics[:1] == (_PRE_LIQUIDATE,) and book.get(("pre", log.address)) is not None
    number = number_of(book, log.topics[1]) if own or pre else None
    if number is None:
        return None
    terms: Terms = book.get(("market", number))
    return LiquidationEvent(
        account=account_key(topic_address(log, 3), terms.id),
        debt=terms.loan,
        collateral=terms.collateral,
        repaid=word(log, 0),
        seized=word(log, 2),
        liquidator=topic_address(log, 2),
    )
