"""LendingPoolConfigurator events: reserves listed, configuration bits."""

from collections.abc import Callable

from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v2.facts import Fact
from keeper.protocols.aave_v3 import configuration as bits
from keeper.protocols.aave_v3.configuration import Field
from keeper.protocols.aave_v3.fold_oracle import link
from keeper.protocols.aave_v3.records import Accrual, Reserve, Role, reserve_id, slots, watch
from keeper.protocols.base import Book
from keeper.protocols.decode import topic, topic_address, word, word_address
from keeper.protocols.trust import doubt
from keeper.types import Log

Value = Callable[[Log], int]


def _on(_log: Log) -> int:
    return 1


def _off(_log: Log) -> int:
    return 0


def _data(position: int) -> Value:
    return lambda log: word(log, position)


FIELDS: dict[str, tuple[tuple[Field, Value], ...]] = {
    "CollateralConfigurationChanged(address,uint256,uint256,uint256)": (
        (bits.LTV, _data(0)),
        (bits.THRESHOLD, _data(1)),
        (bits.BONUS, _data(2)),
    ),
    "BorrowingEnabledOnReserve(address,bool)": ((bits.BORROWING, _on), (bits.STABLE_BORROWING, _data(0))),
    "BorrowingDisabledOnReserve(address)": ((bits.BORROWING, _off),),
    "StableRateEnabledOnReserve(address)": ((bits.STABLE_BORROWING, _on),),
    "StableRateDisabledOnReserve(address)": ((bits.STABLE_BORROWING, _off),),
    "ReserveActivated(address)": ((bits.ACTIVE, _on),),
    "ReserveDeactivated(address)": ((bits.ACTIVE, _off),),
    "ReserveFrozen(address)": ((bits.FROZEN, _on),),
    "ReserveUnfrozen(address)": ((bits.FROZEN, _off),),
    "ReserveFactorChanged(address,uint256)": ((bits.RESERVE_FACTOR, _data(0)),),
}
"""Events that set configuration bits: which fields, to what."""

_FIELDS_BY_TOPIC = {topic(signature): fields for signature, fields in FIELDS.items()}


def reserve_initialized(book: Book, event: Event) -> None:
    """A reserve was listed; none is ever dropped."""
    log = event.log
    asset, a_token = topic_address(log, 1), topic_address(log, 2)
    stable_token, v_token = word_address(log, 0), word_address(log, 1)
    decimals = event.facts.get(a_token, Fact()).decimals
    if decimals is None:
        doubt(book, f"the aToken {a_token} does not tell its decimals")
        return
    number = len(slots(book))
    book.put(("reserves",), (*slots(book), asset))
    book.put(("id", asset), number)
    book.put(("reserve", number), Reserve(number, asset, a_token, v_token, decimals))
    book.put(("stable_token", number), stable_token)
    book.put(("configuration", number), bits.initial(decimals, virtual_accounting=False))
    book.put(("accrual", number), Accrual())
    book.put(("scaled_debt", number), 0)
    book.put(("liquidity", number), None)
    watch(book, a_token, Role.A_TOKEN, number)
    watch(book, v_token, Role.V_TOKEN, number)
    watch(book, stable_token, Role.STABLE_TOKEN, number)
    link(book, number)


def configured(book: Book, event: Event) -> None:
    """Any event in FIELDS."""
    log = event.log
    number = reserve_id(book, topic_address(log, 1))
    if number is None:
        return
    bitmap: int = book.get(("configuration", number))
    for field, value in _FIELDS_BY_TOPIC[log.topics[0]]:
        bitmap = field.write(bitmap, value(log))
    book.put(("configuration", number), bitmap)
