"""What logs do not carry, read at the head: prices, payable liquidity, the sequencer sentinel."""

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.aave_v3 import prices
from keeper.protocols.aave_v3.records import EModeCategory, Reserve, deployment, listed
from keeper.protocols.aave_v3.releases import rules_of
from keeper.protocols.aave_v3.tokens import reread, verify
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.oracles.checks import PriceChecks
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call

_OTHER_RESERVES = "the pool lists other reserves than the logs since start_block do"


def refresh(name: str, book: Book, checks: PriceChecks, block: BlockRef) -> Reads[None]:
    """Read at `block`, the one just folded, and compare the list of reserves while there.

    Raises:
        ConfigError: the pool has reserves but the logs since the start block list none.
    """
    contracts = deployment(book)
    numbers = [number for number, _ in listed(book)]
    assets = [asset for _, asset in listed(book)]
    yield from learn_symbols(book, assets)
    yield from verify(book)
    yield from reread(book)
    yield from _emode_prices(book)
    yield from prices.learn(book)
    questions = prices.questions(book, checks, block)
    calls = [
        call(contracts.pool, "getReservesList()"),
        *(_liquidity(book, number) for number in numbers),
    ]
    if contracts.sentinel != ZERO_ADDRESS:
        calls.append(call(contracts.sentinel, "isLiquidationAllowed()"))
    results = yield [*calls, *questions.calls]
    check_listing(name, book, decode.addresses(results[0]), assets)
    for number, result in zip(numbers, results[1 : 1 + len(numbers)], strict=True):
        replace(book, ("liquidity", number), decode.uint(result))
    if contracts.sentinel != ZERO_ADDRESS:
        replace(book, ("sentinel_allows",), decode.uint(results[len(calls) - 1]) or 0)
    yield from prices.take(book, checks, block, questions, results[len(calls) :])


def learn_symbols(book: Book, assets: list[Address]) -> Reads[None]:
    """Ask for the symbols that the book does not know yet."""
    nameless = [asset for asset in assets if book.get(("symbol", asset)) is None]
    if nameless:
        results = yield [call(asset, "symbol()") for asset in nameless]
        for asset, result in zip(nameless, results, strict=True):
            book.put(("symbol", asset), decode.text(result) or "")


def _liquidity(book: Book, number: int) -> Call:
    """What the reserve can pay out: counted by the pool itself since v3.1."""
    reserve: Reserve = book.get(("reserve", number))
    if rules_of(book).virtual_balance:
        return call(deployment(book).pool, "getVirtualUnderlyingBalance(address)", reserve.asset)
    return call(reserve.asset, "balanceOf(address)", reserve.a_token)


def _emode_prices(book: Book) -> Reads[None]:
    """Prices of categories that have a source of their own, which the oracle takes for an asset."""
    categories: list[tuple[int, EModeCategory]] = [
        (number, book.get(("emode", number))) for number in book.get(("emodes",), ())
    ]
    asked = [(number, each.price_source) for number, each in categories if each.price_source != ZERO_ADDRESS]
    if asked:
        oracle = deployment(book).oracle
        results = yield [call(oracle, "getAssetPrice(address)", source) for _, source in asked]
        for (number, _), result in zip(asked, results, strict=True):
            replace(book, ("emode_price", number), decode.uint(result))


def check_listing(name: str, book: Book, actual: list[Address] | None, folded: list[Address]) -> None:
    """Compare the reserves that the pool lists, None if it gave no answer, with those folded from logs.

    Raises:
        ConfigError: the pool has reserves but the logs since the start block list none.
    """
    if actual == folded and book.get(("doubt",)) == _OTHER_RESERVES:
        book.put(("doubt",), None)  # the node that said otherwise was wrong
    if actual is None or actual == folded:
        return
    if not folded:
        raise ConfigError(
            f"deployment {name!r}: the pool lists {len(actual)} reserves, but the logs since start_block "
            "list none: start_block must not be later than the block the pool was deployed in"
        )
    doubt(book, _OTHER_RESERVES)
