"""A book as bytes and back: what a restart continues from."""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from keeper.errors import Degraded
from keeper.index.book import ColumnarBook, State
from keeper.protocols.base import Side
from keeper.types import Address, BlockRef

FORMAT = 1
BATCH = 2_000
"""Entries packed at a time."""


class Snapshot(NamedTuple):
    """A saved book and the block whose end state it is."""

    block: BlockRef
    book: bytes


def encode(book: ColumnarBook) -> bytes:
    """Pack accounts, legs and records. Integers of any size stay exact."""
    return b"".join(pieces(book.state()))


def pieces(state: State) -> Iterator[bytes]:
    """What `encode` joins: each takes a few milliseconds to pack."""
    packer = zlib.compressobj(1)
    for text in _texts(state):
        yield packer.compress(text.encode())
    yield packer.flush()


def _texts(state: State) -> Iterator[str]:
    lists: dict[str, Iterable[Any]] = {
        "accounts": state.accounts,
        "groups": state.groups,
        "legs": (leg for leg in state.legs() if leg[3] or (leg[2] == Side.COLLATERAL and leg[4])),
        "records": ([key, _pack(value)] for key, value in state.records),
    }
    yield f'{{"format":{FORMAT}'
    for name, items in lists.items():
        yield f',"{name}":['
        rest, comma = iter(items), ""
        while batch := list(islice(rest, BATCH)):
            yield comma + json.dumps(batch, separators=(",", ":"))[1:-1]
            comma = ","
        yield "]"
    yield "}"


def decode(data: bytes, record_types: Sequence[type]) -> ColumnarBook:
    """Rebuild a book.

    Raises:
        Degraded: written by another version of this package; the index is then rebuilt from logs.
    """
    document = json.loads(zlib.decompress(data))
    if document["format"] != FORMAT:
        raise Degraded(f"snapshot has format {document['format']}, this version reads {FORMAT}")
    types = {kind.__name__: kind for kind in record_types}
    book = ColumnarBook()
    accounts: list[Address] = document["accounts"]
    for account, group in zip(accounts, document["groups"], strict=True):
        book.set_group(account, group)
    for row, asset, side, quantity, enabled in document["legs"]:
        book.set_quantity(accounts[row], asset, Side(side), quantity)
        if side == Side.COLLATERAL:
            book.set_enabled(accounts[row], asset, enabled)
    for key, value in document["records"]:
        book.put(tuple(key), _unpack(value, types))
    return book


def _pack(value: Any) -> Any:
    if isinstance(value, tuple):
        return [type(value).__name__, *(_pack(item) for item in value)]
    if isinstance(value, bytes):
        return ["bytes", value.hex()]
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"a record may hold ints, strings, bytes and named tuples, not {type(value).__name__}")


def _unpack(value: Any, types: dict[str, type]) -> Any:
    if not isinstance(value, list):
        return value
    kind, *items = value
    if kind == "bytes":
        return bytes.fromhex(items[0])
    fields = tuple(_unpack(item, types) for item in items)
    if kind == "tuple":
        return fields
    if kind not in types:
        raise Degraded(f"snapshot holds a {kind} record, which this version does not know")
    try:
        return types[kind](*fields)
    except TypeError:
        raise Degraded(f"snapshot holds a {kind} record of another version") from None
