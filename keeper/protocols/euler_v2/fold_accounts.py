"""Connector events: which vault an account owes to, and which ones are its collateral."""

from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.protocols.euler_v2.event import Event
from keeper.protocols.euler_v2.records import controllers, number_of
from keeper.types import Address


def collateral_status(book: Book, event: Event) -> None:
    """CollateralStatus: an account enabled or disabled a collateral."""
    set_collateral(
        book, topic_address(event.log, 1), topic_address(event.log, 2), enabled=bool(word(event.log, 0))
    )


def set_collateral(book: Book, account: Address, collateral: Address, *, enabled: bool) -> None:
    """What nobody recognises costs nothing to enable, so it gets no number of its own."""
    number = number_of(book, collateral)
    if number is not None:
        book.set_enabled(account, number, enabled)
        return
    holders: tuple[Address, ...] = book.get(("strangers", collateral), ())
    rest = tuple(each for each in holders if each != account)
    book.put(("strangers", collateral), (*rest, account) if enabled else rest)


def controller_status(book: Book, event: Event) -> None:
    """ControllerStatus: a vault may now judge the account, or no longer does."""
    account, controller = topic_address(event.log, 1), topic_address(event.log, 2)
    rest = tuple(each for each in controllers(book, account) if each != controller)
    set_controllers(book, account, (*rest, controller) if word(event.log, 0) else rest)


def set_controllers(book: Book, account: Address, found: tuple[Address, ...]) -> None:
    """The account's group is the number of its only controller, plus 1."""
    book.put(("controllers", account), found)
    number = number_of(book, found[0]) if len(found) == 1 else None
    group = 0 if number is None else number + 1
    if group != book.group(account):
        book.set_group(account, group)


def status_checked(book: Book, event: Event) -> None:
    """AccountStatusCheck: the account was healthy, and cools off from now."""
    book.put(("checked", topic_address(event.log, 1)), event.timestamp)
