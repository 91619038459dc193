"""What if: a book as it will be once transmissions that are still pending are mined.

Everything that hangs on the aggregator (proxies, caps, discounts, efficiency modes) is derived as after the
mined log, because it is the aggregator's own record that changes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from keeper.protocols.base import Book
from keeper.protocols.oracles.dual import DualAggregator, Round
from keeper.protocols.oracles.feed import Feed
from keeper.protocols.oracles.transmit import Transmission
from keeper.protocols.oracles.tree import put, record_of
from keeper.types import Address


def followed(book: Book, aggregator: Address) -> bool:
    """Whether a transmission to `aggregator` can move a price of this book."""
    return isinstance(record_of(book, aggregator), Feed | DualAggregator)


@contextmanager
def supposing(book: Book, transmissions: Sequence[Transmission], timestamp: int) -> Iterator[None]:
    """Inside the block `book` stands as if `transmissions` had been mined, in order, at `timestamp`.

    Nothing may be awaited inside: everybody else would see what has not happened.
    """
    before = {each.aggregator: record_of(book, each.aggregator) for each in transmissions}
    try:
        for each in transmissions:
            record = record_of(book, each.aggregator)
            if isinstance(record, Feed):
                put(book, each.aggregator, Feed(each.price))
            elif isinstance(record, DualAggregator):
                put(book, each.aggregator, _reported(record, each, timestamp))
        yield
    finally:
        for aggregator, record in before.items():
            put(book, aggregator, record)


def _reported(record: DualAggregator, new: Transmission, timestamp: int) -> DualAggregator:
    """A dual aggregator after a report; the second route's copy of the newest one brings no new round."""
    newest = record.rounds[-1] if record.rounds else None
    if newest is not None and newest.value == new.price:
        if record.alone and not new.secondary:
            return record._replace(alone=0)
        if new.secondary and record.secondary < newest.id:
            return record._replace(secondary=newest.id)
    number = newest.id + 1 if newest else 1
    return record._replace(
        rounds=(*record.rounds, Round(number, new.price, timestamp)),
        secondary=number if new.secondary else record.secondary,
        alone=int(new.secondary),
    )
