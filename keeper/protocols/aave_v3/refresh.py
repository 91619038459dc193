"""What logs do not carry, read at the head: prices, payable liquidity, the sequencer sentinel."""

from collections.abc import Sequence

from keeper.errors import ConfigError
from keeper.protocols.aave_v3 import decode
from keeper.protocols.aave_v3.decode import call, call_with_addresses
from keeper.protocols.aave_v3.fold_oracle import relink
from keeper.protocols.aave_v3.opening import learn_feeds
from keeper.protocols.aave_v3.records import deployment, doubt, listed, replace
from keeper.protocols.base import Book, Reads
from keeper.types import ZERO_ADDRESS, Address


def refresh(name: str, book: Book) -> Reads[None]:
    """Read at the block just folded, and compare the list of reserves while there.

    Raises:
        ConfigError: the pool has reserves but the logs since the start block list none.
    """
    contracts = deployment(book)
    numbers = [number for number, _ in listed(book)]
    assets = [asset for _, asset in listed(book)]
    calls = [
        call(contracts.pool, "getReservesList()"),
        call_with_addresses(contracts.oracle, "getAssetsPrices(address[])", assets),
        *(call(contracts.pool, "getVirtualUnderlyingBalance(address)", asset) for asset in assets),
    ]
    if contracts.sentinel != ZERO_ADDRESS:
        calls.append(call(contracts.sentinel, "isLiquidationAllowed()"))
    results = yield calls
    _check_listing(name, book, decode.addresses(results[0]), assets)
    for number, result in zip(numbers, results[2 : 2 + len(numbers)], strict=True):
        replace(book, ("liquidity", number), decode.uint(result))
    if contracts.sentinel != ZERO_ADDRESS:
        replace(book, ("sentinel_allows",), decode.uint(results[-1]) or 0)
    yield from _learn(book, assets)
    prices = decode.uints(results[1])
    if prices is None:
        prices = yield from _prices_one_by_one(contracts.oracle, assets)
    for number, price in zip(numbers, prices, strict=True):
        replace(book, ("price", number), price or None)


def _check_listing(name: str, book: Book, actual: list[Address] | None, folded: list[Address]) -> None:
    if actual is None or actual == folded:
        return
    if not folded:
        raise ConfigError(
            f"deployment {name!r}: the pool lists {len(actual)} reserves, but the logs since start_block "
            "list none: start_block must not be later than the block the pool was deployed in"
        )
    doubt(book, "the pool lists other reserves than the logs since start_block do")


def _prices_one_by_one(oracle: Address, assets: Sequence[Address]) -> Reads[list[int]]:
    """The batch reverts as a whole when a single asset has no price; 0 stands for such a one."""
    results = yield [call(oracle, "getAssetPrice(address)", asset) for asset in assets]
    return [decode.uint(result) or 0 for result in results]


def _learn(book: Book, assets: Sequence[Address]) -> Reads[None]:
    """Symbols, sources and aggregators that are still unknown."""
    oracle = deployment(book).oracle
    nameless = [asset for asset in assets if book.get(("symbol", asset)) is None]
    sourceless = [asset for asset in assets if book.get(("source", oracle, asset)) is None]
    if nameless or sourceless:
        results = yield [
            *(call(asset, "symbol()") for asset in nameless),
            *(call(oracle, "getSourceOfAsset(address)", asset) for asset in sourceless),
        ]
        for asset, result in zip(nameless, results[: len(nameless)], strict=True):
            book.put(("symbol", asset), decode.text(result) or "")
        for asset, result in zip(sourceless, results[len(nameless) :], strict=True):
            book.put(("source", oracle, asset), decode.address(result) or ZERO_ADDRESS)
        relink(book)
    sources = {book.get(("source", oracle, asset)) for asset in assets}
    yield from learn_feeds(book, [s for s in sources if book.get(("aggregator", s)) is None])
