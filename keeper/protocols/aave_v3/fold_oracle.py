"""Which source prices a reserve, and what the oracle makes of the source's answer."""

from collections.abc import Iterable

from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.records import Role, deployment, listed, reserve_id, slots, watch
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address
from keeper.protocols.oracles import kinds, tree
from keeper.types import ZERO_ADDRESS, Address


def source_updated(book: Book, event: Event) -> None:
    """AaveOracle.AssetSourceUpdated, of the deployment's oracle or of one that may become it."""
    log = event.log
    asset, source = topic_address(log, 1), topic_address(log, 2)
    book.put(("source", log.address, asset), source)
    number = reserve_id(book, asset)
    if number is not None and log.address == deployment(book).oracle:
        link(book, number)


def fallback_updated(book: Book, event: Event) -> None:
    """AaveOracle.FallbackOracleUpdated, likewise."""
    book.put(("fallback", event.log.address), topic_address(event.log, 1))


def source_changed(book: Book, event: Event) -> None:
    """Any event by which a price source tells a change of its state."""
    address = event.log.address
    old = tree.record_of(book, address)
    new = kinds.fold(old, event.log)
    if new is None or new == old:
        return
    tree.put(book, address, new)
    watch_sources(book, new.children())


def relink(book: Book) -> None:
    """Find every reserve's source again, after a change of oracle."""
    for number, _ in listed(book):
        link(book, number)


def link(book: Book, number: int) -> None:
    """Find the source that prices a reserve; what another one said last no longer counts."""
    source = source_of(book, slots(book)[number])
    if source == book.get(("priced_by", number)):
        return
    book.put(("priced_by", number), source)
    book.put(("price", number), None)
    if source is not None and source != ZERO_ADDRESS:
        watch_sources(book, [source])


def watch_sources(book: Book, sources: Iterable[Address]) -> None:
    """Fetch what `sources` log; a contract that also plays another part keeps that."""
    for source in sources:
        if book.get(("role", source)) is None:
            watch(book, source, Role.FEED)


def source_of(book: Book, asset: Address) -> Address | None:
    """The asset's source in the deployment's oracle, None while unknown."""
    found: Address | None = book.get(("source", deployment(book).oracle, asset))
    return found


def price_at(book: Book, number: int, timestamp: int) -> int | None:
    """A reserve's price in a block of `timestamp` with no further logs: USD with 8 decimals.

    None where the oracle gives none. What cannot be derived is as it was last read.
    """
    price = derive(book, slots(book)[number], timestamp)
    if price is None:
        price = book.get(("price", number))
    return price or None


def derive(book: Book, asset: Address, timestamp: int) -> int | None:
    """AaveOracle.getAssetPrice from logs: 0 where it reverts, None where only asking it can tell."""
    source = source_of(book, asset)
    if source is None or book.get(("distrusted", source)):
        return None
    if source == ZERO_ADDRESS:
        return _fallback_price(book, asset)
    answer = tree.answer_at(book, source, timestamp)
    if answer is None or answer > 0:
        return answer
    return _fallback_price(book, asset)


def _fallback_price(book: Book, asset: Address) -> int | None:
    fallback = book.get(("fallback", deployment(book).oracle))
    price: int | None = 0 if fallback == ZERO_ADDRESS else book.get(("fallback_price", asset))
    return price
