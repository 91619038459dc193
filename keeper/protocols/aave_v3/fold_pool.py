"""Pool events: indexes and rates, collateral flags, eModes, liquidations, deficits."""

from collections.abc import Iterable, Sequence

from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.math import linear_interest, ray_mul
from keeper.protocols.aave_v3.records import Accrual, reserve_id
from keeper.protocols.aave_v3.releases import rules_of
from keeper.protocols.base import Book, LiquidationEvent
from keeper.protocols.decode import address_in, integer, split, topic, word, word_address
from keeper.types import Address, Log

_tuple = tuple.__new__
_LIQUIDATION_CALL = topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)")


def data_updated(book: Book, event: Event) -> None:
    """ReserveDataUpdated: the indexes just stored, and the rates that hold from now on."""
    log = event.log
    reserve = reserve_id(book, address_in(log.topics[1]))
    if reserve is not None:
        liquidity_rate, _, borrow_rate, liquidity_index, borrow_index = split(log, 5)
        accrual = (
            integer(liquidity_index),
            integer(liquidity_rate),
            integer(borrow_index),
            integer(borrow_rate),
            event.timestamp,
        )
        book.put(("accrual", reserve), _tuple(Accrual, accrual))


def collateral_enabled(book: Book, event: Event) -> None:
    """The account uses the reserve as collateral."""
    _set_flag(book, event.log.topics, True)


def collateral_disabled(book: Book, event: Event) -> None:
    """The account no longer uses the reserve as collateral."""
    _set_flag(book, event.log.topics, False)


def _set_flag(book: Book, topics: Sequence[str], enabled: bool) -> None:
    reserve = reserve_id(book, address_in(topics[1]))
    if reserve is not None:
        book.set_enabled(address_in(topics[2]), reserve, enabled)


def emode_set(book: Book, event: Event) -> None:
    """The account moved to another eMode category."""
    book.set_group(address_in(event.log.topics[1]), word(event.log, 0))


def liquidation(book: Book, event: Event) -> None:
    """LiquidationCall: balances arrive with the tokens' events, but one checkpoint arrives nowhere.

    Since v3.5 the pool updates the collateral reserve's indexes first; when the liquidator takes
    aTokens it updates no rates afterwards, so no ReserveDataUpdated follows.
    """
    log = event.log
    receives_a_token = word(log, 3)
    if receives_a_token and rules_of(book).silent_checkpoint:
        checkpoint(book, event, address_in(log.topics[1]))


def liquidation_events(pool: Address, logs: Iterable[Log]) -> list[LiquidationEvent]:
    """The LiquidationCalls of `pool` among `logs`."""
    return [
        LiquidationEvent(
            account=address_in(log.topics[3]),
            debt=address_in(log.topics[2]),
            collateral=address_in(log.topics[1]),
            repaid=word(log, 0),
            seized=word(log, 1),
            liquidator=word_address(log, 2),
        )
        for log in logs
        if log.address == pool and log.topics and log.topics[0] == _LIQUIDATION_CALL
    ]


def checkpoint(book: Book, event: Event, asset: Address) -> None:
    """ReserveLogic.updateState at the event's block: a no-op where the reserve was updated in it."""
    reserve = reserve_id(book, asset)
    if reserve is None:
        return
    old: Accrual = book.get(("accrual", reserve))
    seconds = event.timestamp - old.updated
    if not seconds:
        return
    liquidity_index, borrow_index = old.liquidity_index, old.borrow_index
    if old.liquidity_rate:
        liquidity_index = ray_mul(linear_interest(old.liquidity_rate, seconds), liquidity_index)
    if book.get(("scaled_debt", reserve), 0):
        growth = rules_of(book).compound_interest(old.borrow_rate, seconds)
        borrow_index = ray_mul(growth, borrow_index)
    now = old._replace(liquidity_index=liquidity_index, borrow_index=borrow_index, updated=event.timestamp)
    book.put(("accrual", reserve), now)


def deficit_created(book: Book, event: Event) -> None:
    """A liquidation left debt without collateral."""
    _change_deficit(book, address_in(event.log.topics[2]), word(event.log, 0))


def deficit_covered(book: Book, event: Event) -> None:
    """Somebody burnt aTokens against a deficit."""
    _change_deficit(book, address_in(event.log.topics[1]), -word(event.log, 1))


def _change_deficit(book: Book, asset: Address, change: int) -> None:
    reserve = reserve_id(book, asset)
    if reserve is not None:
        book.put(("deficit", reserve), book.get(("deficit", reserve), 0) + change)
