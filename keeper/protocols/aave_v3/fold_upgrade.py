"""A proxy got another implementation: from this log on the arithmetic of its revision holds."""

from keeper.protocols.aave_v3.configuration import VIRTUAL_ACCOUNTING
from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.implementations import Implementation
from keeper.protocols.aave_v3.records import listed, watch
from keeper.protocols.aave_v3.releases import A_TOKENS, CONFIGURATORS, RULES, V_TOKENS, rules_of
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Address


def pool_upgraded(book: Book, event: Event) -> None:
    """The pool runs another release."""
    set_release(book, _implementation(event).pool)


def configurator_upgraded(book: Book, event: Event) -> None:
    """The configurator may emit other events."""
    set_configurator_revision(book, _implementation(event).configurator)


def a_token_upgraded(book: Book, event: Event) -> None:
    """An aToken may round its events differently."""
    set_a_token_revision(book, event.reserve, event.log.address, _implementation(event))


def v_token_upgraded(book: Book, event: Event) -> None:
    """A variable debt token likewise."""
    set_v_token_revision(book, event.reserve, event.log.address, _implementation(event))


def _implementation(event: Event) -> Implementation:
    return event.implementations.get(topic_address(event.log, 1), Implementation())


def set_release(book: Book, revision: int | None) -> None:
    """The pool is of POOL_REVISION `revision`."""
    before = rules_of(book)
    replace(book, ("release",), revision or 0)
    if revision not in RULES:
        doubt(book, f"the pool has revision {revision}, which this keeper does not know")
    elif rules_of(book).virtual_balance and not before.virtual_balance:
        # The upgrade to v3.1 sets this bit of every reserve and says nothing.
        for number, _ in listed(book):
            bitmap = VIRTUAL_ACCOUNTING.write(book.get(("configuration", number)), 1)
            replace(book, ("configuration", number), bitmap)


def set_configurator_revision(book: Book, revision: int | None) -> None:
    """The pool configurator is of CONFIGURATOR_REVISION `revision`."""
    replace(book, ("configurator",), revision or 0)
    if revision not in CONFIGURATORS:
        doubt(book, f"the pool configurator has revision {revision}, which this keeper does not know")


def set_a_token_revision(book: Book, reserve: int, token: Address, found: Implementation) -> None:
    """The aToken of a reserve has the revision `found`."""
    role = A_TOKENS.get(found.a_token or 0)
    if role is None:
        doubt(book, f"the aToken {token} has revision {found.a_token}, which this keeper does not know")
    else:
        watch(book, token, role, reserve)


def set_v_token_revision(book: Book, reserve: int, token: Address, found: Implementation) -> None:
    """The variable debt token of a reserve has the revision `found`."""
    role = V_TOKENS.get(found.v_token or 0)
    if role is None:
        doubt(book, f"the debt token {token} has revision {found.v_token}, which this keeper does not know")
    else:
        watch(book, token, role, reserve)
    if found.discounts or book.get(("discounts", reserve)):
        replace(book, ("reread", reserve), 1)
    replace(book, ("discounts", reserve), int(found.discounts))
