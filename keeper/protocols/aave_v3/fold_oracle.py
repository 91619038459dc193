"""Price sources: which feed announces which reserve's price, and what it last said.

Prices are read from the oracle at every head; between reads, and in a replay without any, they
follow AnswerUpdated of the feed behind the asset's source.
"""

from keeper.protocols.aave_v3.decode import topic_address, topic_signed
from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.records import Role, deployment, listed, replace, reserve_id, slots, watch
from keeper.protocols.base import Book
from keeper.types import ZERO_ADDRESS, Address


def source_updated(book: Book, event: Event) -> None:
    """AaveOracle.AssetSourceUpdated, of the deployment's oracle or of one that may become it."""
    log = event.log
    asset, source = topic_address(log, 1), topic_address(log, 2)
    book.put(("source", log.address, asset), source)
    number = reserve_id(book, asset)
    if number is not None and log.address == deployment(book).oracle:
        link(book, number)


def answer_updated(book: Book, event: Event) -> None:
    """A feed has a new answer."""
    feed = event.log.address
    answer = topic_signed(event.log, 1)
    book.put(("answer", feed), answer)
    for number in book.get(("follows", feed), ()):
        book.put(("price", number), _price(answer))


def learn_aggregator(book: Book, source: Address, aggregator: Address) -> None:
    """`source` is a proxy whose answers `aggregator` announces ("" when it is no proxy)."""
    if book.get(("aggregator", source)) == aggregator:
        return
    book.put(("aggregator", source), aggregator)
    relink(book)


def relink(book: Book) -> None:
    """Find every reserve's feed again, after a change of oracle or of an aggregator."""
    for number, _ in listed(book):
        link(book, number)


def link(book: Book, number: int) -> None:
    """Find the feed that announces a reserve's price; on a change take over its last answer."""
    asset = slots(book)[number]
    source: Address = book.get(("source", deployment(book).oracle, asset), ZERO_ADDRESS)
    leaf: Address = book.get(("aggregator", source)) or source
    old: Address | None = book.get(("leaf", number))
    if leaf == old:
        return
    if old is not None:
        book.put(("follows", old), tuple(n for n in book.get(("follows", old)) if n != number))
    book.put(("leaf", number), leaf)
    book.put(("follows", leaf), (*book.get(("follows", leaf), ()), number))
    answer = book.get(("answer", leaf))
    replace(book, ("price", number), None if answer is None else _price(answer))
    if leaf != ZERO_ADDRESS:
        watch(book, leaf, Role.FEED)


def _price(answer: int) -> int | None:
    """AaveOracle.getAssetPrice: a non-positive answer sends it to a fallback this feed knows nothing of."""
    return answer if answer > 0 else None
