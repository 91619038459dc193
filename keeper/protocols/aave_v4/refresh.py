"""What logs do not carry, read at the head: prices, symbols, and hubs that are older than the logs."""

from collections.abc import Sequence

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.aave_v4 import answers
from keeper.protocols.aave_v4.implementations import probe
from keeper.protocols.aave_v4.records import Reserve, asset_of, deployment, line_of, listed, reserves
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Address, BlockRef

_OTHER_RESERVES = "the spoke lists other reserves than the logs since start_block do"
_MOST_ID = 2**16 - 1
"""Reserves are counted far below that; from a node that says more nothing is taken over."""


def refresh(name: str, book: Book, block: BlockRef) -> Reads[None]:
    """Read at `block`, the one just folded, and compare the count of reserves while there.

    Raises:
        ConfigError: the spoke has reserves but the logs since the start block list none.
    """
    del block  # the reads are at it already
    yield from _learn_revisions(book)
    yield from read_assets(book)
    yield from _learn_symbols(book)
    contracts = deployment(book)
    priced = [(reserve.id, book.get(("source", reserve.id))) for reserve, _, _ in listed(book)]
    numbers = [number for number, source in priced if source is not None]
    count, *prices = yield [
        call(contracts.spoke, "getReserveCount()"),
        *([answers.prices_call(contracts.oracle, numbers)] if numbers else []),
    ]
    _check_count(name, book, decode.uint(count))
    if numbers:
        found = decode.uints(prices[0])
        if found is None or len(found) != len(numbers):
            found = yield from _prices_one_by_one(contracts.oracle, numbers)
        for number, price in zip(numbers, found, strict=True):
            replace(book, ("price", book.get(("source", number))), price or None)


def _learn_revisions(book: Book) -> Reads[None]:
    """Of hubs that the logs named only after they were set up."""
    hubs = {reserve.hub for reserve in reserves(book)}
    unknown = sorted(hub for hub in hubs if book.get(("revision", hub)) is None)
    found = yield from probe(unknown)
    for hub, facts in found.items():
        book.put(("revision", hub), -1 if facts.hub is None else facts.hub)


def read_assets(book: Book) -> Reads[None]:
    """Read what the logs never listed: a hub may be older than the block they start at."""
    unknown = [each for each in reserves(book) if asset_of(book, each) is None or line_of(book, each) is None]
    if not unknown:
        return
    spoke = deployment(book).spoke
    results = yield [
        asked for each in unknown for asked in (answers.get_asset(each), answers.get_line(each, spoke))
    ]
    for each, asset, line in zip(unknown, results[::2], results[1::2], strict=True):
        _take(book, each, asset, line)


def _take(book: Book, reserve: Reserve, asset: bytes | None, line: bytes | None) -> None:
    found, part = answers.asset(asset), answers.line(line)
    if found is None or part is None:
        return
    book.put(("asset", reserve.hub, reserve.asset_id), found)
    if line_of(book, reserve) is None:
        book.put(("line", reserve.hub, reserve.asset_id), part)
        book.put(("surplus", reserve.id), None)


def _learn_symbols(book: Book) -> Reads[None]:
    assets = dict.fromkeys(asset.underlying for _, asset, _ in listed(book))
    nameless = [asset for asset in assets if book.get(("symbol", asset)) is None]
    if nameless:
        results = yield [call(asset, "symbol()") for asset in nameless]
        for asset, result in zip(nameless, results, strict=True):
            book.put(("symbol", asset), decode.text(result) or "")


def _prices_one_by_one(oracle: Address, numbers: Sequence[int]) -> Reads[list[int]]:
    """The batch reverts as a whole when a single reserve has no price."""
    results = yield [call(oracle, "getReservePrice(uint256)", number) for number in numbers]
    return [decode.uint(result) or 0 for result in results]


def _check_count(name: str, book: Book, actual: int | None) -> None:
    folded = book.get(("reserves",), 0)
    if actual == folded and book.get(("doubt",)) == _OTHER_RESERVES:
        book.put(("doubt",), None)  # the node that said otherwise was wrong
    if actual is None or actual == folded or actual > _MOST_ID:
        return
    if not folded:
        raise ConfigError(
            f"deployment {name!r}: the spoke lists {actual} reserves, but the logs since start_block list "
            "none: start_block must not be later than the block the spoke was deployed in"
        )
    doubt(book, _OTHER_RESERVES)
