"""Liquidations as the logs of a transaction report them, in the terms of a Settlement."""

from collections.abc import Iterable

from keeper.protocols.base import Book, LiquidationEvent
from keeper.protocols.decode import topic, topic_address, word, word_address
from keeper.protocols.venus.frame import UNKNOWN, address_of
from keeper.protocols.venus.math import exchange_rate
from keeper.protocols.venus.records import deployment, facts_of, number_of, state_of, vtokens
from keeper.types import Address, Log

_LIQUIDATED = topic("LiquidateBorrow(address,address,uint256,address,uint256)")
_SPLIT = topic("LiquidateBorrowedTokens(address,address,uint256,address,address,uint256,uint256)")
_TRANSFER = topic("Transfer(address,address,uint256)")
_REDEEMED = frozenset(
    map(topic, ("Redeem(address,uint256,uint256)", "Redeem(address,uint256,uint256,uint256)"))
)


def liquidation_events(book: Book, logs: Iterable[Log]) -> list[LiquidationEvent]:
    """Every liquidation in `logs`, which are in order.

    What the liquidator seized is what redeeming brought later in the same transaction; vTokens that were
    kept count at the exchange rate the book has.
    """
    ordered = list(logs)
    found = []
    for place, log in enumerate(ordered):
        if log.topics and log.topics[0] == _LIQUIDATED and number_of(book, log.address) is not None:
            event = _event(book, log, ordered[place:], _seizure(log, ordered[:place]))
            if event:
                found.append(event)
    return found


def _event(book: Book, log: Log, later: list[Log], tokens: int) -> LiquidationEvent | None:
    later = [each for each in later if each.tx_hash == log.tx_hash and each.topics]
    collateral = word_address(log, 3)
    number, debt = number_of(book, collateral), number_of(book, log.address)
    if number is None or debt is None:
        return None
    liquidator, borrower = word_address(log, 0), word_address(log, 1)
    split = _split(book, later) if liquidator == deployment(book).liquidator else None
    if split:
        liquidator, tokens = topic_address(split, 1), word(split, 3)
    redeemed = _redeemed(later, collateral, liquidator, tokens)
    if redeemed is None:
        facts = facts_of(book, number) or UNKNOWN
        redeemed = exchange_rate(state_of(book, number), facts.first_rate) * tokens // 10**18
    return LiquidationEvent(
        borrower, _name(book, debt), _name(book, number), word(log, 2), redeemed, liquidator
    )


def _seizure(log: Log, earlier: list[Log]) -> int:
    """What the liquidator itself was sent: the last transfer from the borrower before."""
    collateral, liquidator, borrower = word_address(log, 3), word_address(log, 0), word_address(log, 1)
    for each in reversed(earlier):
        if (
            each.address == collateral
            and each.tx_hash == log.tx_hash
            and each.topics
            and each.topics[0] == _TRANSFER
            and (topic_address(each, 1), topic_address(each, 2)) == (borrower, liquidator)
        ):
            return word(each, 0)
    return word(log, 4)


def _split(book: Book, later: list[Log]) -> Log | None:
    liquidator = deployment(book).liquidator
    return next((each for each in later if each.address == liquidator and each.topics[0] == _SPLIT), None)


def _redeemed(later: list[Log], collateral: Address, liquidator: Address, tokens: int) -> int | None:
    for each in later:
        if each.address == collateral and each.topics[0] in _REDEEMED:
            redeemer, amount, burnt = word_address(each, 0), word(each, 1), word(each, 2)
            if redeemer == liquidator and burnt == tokens:
                return amount
    return None


def _name(book: Book, number: int) -> Address:
    return address_of(facts_of(book, number) or UNKNOWN, vtokens(book)[number])
