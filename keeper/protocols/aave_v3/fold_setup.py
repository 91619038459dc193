"""Events that say which contracts make up the deployment, and when one of them is replaced."""

from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.fold_oracle import relink
from keeper.protocols.aave_v3.fold_upgrade import set_configurator_revision, set_release
from keeper.protocols.aave_v3.names import POOL, POOL_CONFIGURATOR, PRICE_ORACLE, PRICE_ORACLE_SENTINEL
from keeper.protocols.aave_v3.records import NOWHERE, Role, Token, deployment, watch
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word, word_address, word_text
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import ZERO_ADDRESS, Address


def proxy_created(book: Book, event: Event) -> None:
    """The provider deployed the pool's or the configurator's proxy."""
    name, implementation = event.log.topics[1], topic_address(event.log, 3)
    _set(book, name, topic_address(event.log, 2))
    _set_revision(book, event, name, implementation)


def address_set(book: Book, event: Event) -> None:
    """The provider points one of its names elsewhere, whatever stood there."""
    name, address = event.log.topics[1], topic_address(event.log, 3)
    _set(book, name, address)
    _set_revision(book, event, name, address)


def _set_revision(book: Book, event: Event, name: str, contract: Address) -> None:
    found = event.implementations.get(contract)
    if found and name == POOL:
        set_release(book, found.pool)
    if found and name == POOL_CONFIGURATOR:
        set_configurator_revision(book, found.configurator)


def oracle_updated(book: Book, event: Event) -> None:
    """The deployment has another oracle."""
    set_oracle(book, topic_address(event.log, 2))


def sentinel_updated(book: Book, event: Event) -> None:
    """The deployment has another sequencer sentinel, or none."""
    _set(book, PRICE_ORACLE_SENTINEL, topic_address(event.log, 2))


def set_pool(book: Book, pool: Address) -> None:
    """The pool of the deployment is `pool`."""
    old = deployment(book)
    if old.pool not in (NOWHERE, pool):
        doubt(book, f"the pool {old.pool} was replaced by another contract, {pool}")
    replace(book, ("deployment",), old._replace(pool=pool))
    watch(book, pool, Role.POOL)


def set_configurator(book: Book, configurator: Address) -> None:
    """The pool configurator of the deployment is `configurator`."""
    replace(book, ("deployment",), deployment(book)._replace(configurator=configurator))
    watch(book, configurator, Role.CONFIGURATOR)


def set_oracle(book: Book, oracle: Address) -> None:
    """Prices come from `oracle`; what the one before said no longer counts."""
    if deployment(book).oracle != oracle:
        book.put(("deployment",), deployment(book)._replace(oracle=oracle))
        relink(book)
    watch(book, oracle, Role.ORACLE)


def set_sentinel(book: Book, sentinel: Address) -> None:
    """Liquidations are subject to `sentinel`; the zero address means to none."""
    replace(book, ("deployment",), deployment(book)._replace(sentinel=sentinel))
    if sentinel == ZERO_ADDRESS:
        replace(book, ("sentinel_allows",), 1)


_SETTERS = {
    POOL: set_pool,
    POOL_CONFIGURATOR: set_configurator,
    PRICE_ORACLE: set_oracle,
    PRICE_ORACLE_SENTINEL: set_sentinel,
}


def _set(book: Book, name: str, address: Address) -> None:
    setter = _SETTERS.get(name)
    if setter:
        setter(book, address)


def initialized(book: Book, event: Event) -> None:
    """An aToken of this pool came into being; the configurator will list it in the same transaction."""
    log = event.log
    if topic_address(log, 2) == deployment(book).pool:
        token = Token(decimals=word(log, 2), symbol=word_text(log, 4), treasury=word_address(log, 0))
        book.put(("token", log.address), token)
