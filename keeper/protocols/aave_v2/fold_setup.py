"""Events that say which contracts make up the deployment, and when one of them is replaced."""

from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v2.facts import Fact
from keeper.protocols.aave_v2.names import CONFIGURATOR, POOL, PRICE_ORACLE
from keeper.protocols.aave_v3.fold_setup import set_configurator, set_oracle, set_pool
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Address

POOL_REVISION = 2
"""LENDINGPOOL_REVISION of the pool whose rules these are."""

TOKEN_REVISION = 1
"""ATOKEN_REVISION and DEBT_TOKEN_REVISION of the tokens whose events these are."""

_SETTERS = {POOL: set_pool, CONFIGURATOR: set_configurator, PRICE_ORACLE: set_oracle}


def proxy_created(book: Book, event: Event) -> None:
    """The provider deployed the pool's or the configurator's proxy."""
    _set(book, event.log.data[:66], topic_address(event.log, 1))


def address_set(book: Book, event: Event) -> None:
    """The provider points one of its names elsewhere, or (with a proxy) to another implementation."""
    name, address = event.log.data[:66], topic_address(event.log, 1)
    if not word(event.log, 1):
        _set(book, name, address)
    if name == POOL:
        set_release(book, _fact(event, address).pool)


def _set(book: Book, name: str, address: Address) -> None:
    setter = _SETTERS.get(name)
    if setter:
        setter(book, address)


def oracle_updated(book: Book, event: Event) -> None:
    """The deployment has another oracle."""
    set_oracle(book, topic_address(event.log, 1))


def manager_updated(book: Book, event: Event) -> None:
    """The contract with the liquidation's code; it has no revision of its own."""
    manager = topic_address(event.log, 1)
    if book.get(("manager",), manager) != manager:
        doubt(book, f"the collateral manager was replaced by {manager}, whose rules are not known")
    replace(book, ("manager",), manager)


def implemented(book: Book, event: Event) -> None:
    """The pool's proxy has an implementation: LendingPoolUpdated of the provider, Upgraded of the pool."""
    set_release(book, _fact(event, topic_address(event.log, 1)).pool)


def set_release(book: Book, revision: int | None) -> None:
    """The pool is of LENDINGPOOL_REVISION `revision`."""
    replace(book, ("release",), revision or 0)
    if revision != POOL_REVISION:
        doubt(book, f"the pool has revision {revision}, which this keeper does not know")


def configurator_upgraded(book: Book, event: Event) -> None:
    """The configurator may emit other events; its revision cannot be asked for."""
    implementation = topic_address(event.log, 1)
    doubt(book, f"the configurator was upgraded to {implementation}, whose events are not known")


def a_token_upgraded(book: Book, event: Event) -> None:
    """An aToken may emit other events."""
    _check_token(book, event, _fact(event, topic_address(event.log, 1)).a_token)


def debt_token_upgraded(book: Book, event: Event) -> None:
    """A debt token likewise."""
    _check_token(book, event, _fact(event, topic_address(event.log, 1)).debt_token)


def _check_token(book: Book, event: Event, revision: int | None) -> None:
    if revision != TOKEN_REVISION:
        token = event.log.address
        doubt(book, f"the token {token} has revision {revision}, which this keeper does not know")


def _fact(event: Event, contract: Address) -> Fact:
    return event.facts.get(contract, Fact())
