"""Spoke events that concern no account: reserves, risk parameters, price sources, upgrades."""

from keeper.protocols.aave_v4.event import Event
from keeper.protocols.aave_v4.records import (
    DynamicConfig,
    LiquidationConfig,
    Reserve,
    Role,
    deployment,
    set_config,
    watch,
)
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, topic_int, word


def reserve_added(book: Book, event: Event) -> None:
    """AddReserve: ids count up from zero; its configuration follows."""
    log = event.log
    number, hub = topic_int(log, 1), topic_address(log, 3)
    book.put(("reserve", number), Reserve(number, hub, topic_int(log, 2)))
    book.put(("reserves",), number + 1)
    watch(book, hub, Role.HUB)


def reserve_configured(book: Book, event: Event) -> None:
    """UpdateReserveConfig: the flags come in the order of their bits."""
    log = event.log
    old: Reserve | None = book.get(("reserve", topic_int(log, 1)))
    if old is not None:
        flags = sum(word(log, 1 + bit) << bit for bit in range(4))
        book.put(("reserve", old.id), old._replace(risk=word(log, 0), flags=flags))


def dynamic_added(book: Book, event: Event) -> None:
    """AddDynamicReserveConfig: the new key holds for accounts as they refresh theirs."""
    number, key = topic_int(event.log, 1), topic_int(event.log, 2)
    dynamic_updated(book, event)
    old: Reserve | None = book.get(("reserve", number))
    if old is not None:
        book.put(("reserve", number), old._replace(key=key))


def dynamic_updated(book: Book, event: Event) -> None:
    """UpdateDynamicReserveConfig: holds at once for all accounts pinned to the key."""
    log = event.log
    config = DynamicConfig(word(log, 0), word(log, 1), word(log, 2))
    set_config(book, topic_int(log, 1), topic_int(log, 2), config)


def liquidation_configured(book: Book, event: Event) -> None:
    """UpdateLiquidationConfig."""
    log = event.log
    book.put(("liquidation",), LiquidationConfig(word(log, 0), word(log, 1), word(log, 2)))


def source_updated(book: Book, event: Event) -> None:
    """UpdateReservePriceSource; precedes the reserve's own AddReserve."""
    book.put(("source", topic_int(event.log, 1)), topic_address(event.log, 2))


def spoke_upgraded(book: Book, event: Event) -> None:
    """Upgraded: another implementation, which may name another oracle. In a recorded run nothing is known."""
    found = event.implementations.get(topic_address(event.log, 1))
    if found is not None:
        book.put(("revision", event.log.address), -1 if found.spoke is None else found.spoke)
        if found.oracle is not None:
            book.put(("deployment",), deployment(book)._replace(oracle=found.oracle))


def hub_upgraded(book: Book, event: Event) -> None:
    """The same for a hub."""
    found = event.implementations.get(topic_address(event.log, 1))
    if found is not None:
        book.put(("revision", event.log.address), -1 if found.hub is None else found.hub)
