"""Governor events of a vault: LTVs with their ramps, discount, cool-off, hooks, flags, interest fee."""

from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.protocols.euler_v2.debts import touch
from keeper.protocols.euler_v2.event import Event
from keeper.protocols.euler_v2.listing import adopt
from keeper.protocols.euler_v2.records import Ltv, Terms, ltvs, terms
from keeper.protocols.trust import doubt


def ltv_set(book: Book, event: Event) -> None:
    """GovSetLTV: a collateral is recognised, from now on and forever."""
    log = event.log
    collateral = adopt(book, topic_address(log, 1))
    if collateral is None:
        doubt(book, "there are more vaults than can be followed")
        return
    book.put(("ltv", event.vault, collateral), Ltv(*(word(log, place) for place in range(5))))
    if collateral not in ltvs(book, event.vault):
        book.put(("ltvs", event.vault), (*ltvs(book, event.vault), collateral))


def discount_set(book: Book, event: Event) -> None:
    """GovSetMaxLiquidationDiscount."""
    _change(book, event, terms(book, event.vault)._replace(max_discount=word(event.log, 0)))


def cool_off_set(book: Book, event: Event) -> None:
    """GovSetLiquidationCoolOffTime."""
    _change(book, event, terms(book, event.vault)._replace(cool_off=word(event.log, 0)))


def hooks_set(book: Book, event: Event) -> None:
    """GovSetHookConfig: operations that call a hook first, or are switched off where there is none."""
    target, hooked = topic_address(event.log, 1), word(event.log, 0)
    _change(book, event, terms(book, event.vault)._replace(hook_target=target, hooked=hooked))


def flags_set(book: Book, event: Event) -> None:
    """GovSetConfigFlags."""
    _change(book, event, terms(book, event.vault)._replace(flags=word(event.log, 0)))


def interest_fee_set(book: Book, event: Event) -> None:
    """GovSetInterestFee; interest until now was charged the old one."""
    touch(book, event.vault, event.timestamp)
    _change(book, event, terms(book, event.vault)._replace(interest_fee=word(event.log, 0)))


def _change(book: Book, event: Event, now: Terms) -> None:
    book.put(("terms", event.vault), now)
