"""What logs do not carry, read at the head: prices and payable liquidity."""

from keeper.protocols import decode
from keeper.protocols.aave_v2.opening import learn_ether
from keeper.protocols.aave_v3 import prices
from keeper.protocols.aave_v3.records import Reserve, deployment, listed
from keeper.protocols.aave_v3.refresh import check_listing, learn_symbols
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.oracles.checks import PriceChecks
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import BlockRef


def refresh(name: str, book: Book, checks: PriceChecks, block: BlockRef) -> Reads[None]:
    """Read at `block`, the one just folded, and compare the list of reserves while there.

    Raises:
        ConfigError: the pool has reserves but the logs since the start block list none.
    """
    assets = [asset for _, asset in listed(book)]
    yield from learn_symbols(book, assets)
    if not (yield from learn_ether(book)):
        doubt(book, f"the oracle {deployment(book).oracle} does not quote in ether")
    yield from prices.learn(book)
    questions = prices.questions(book, checks, block)
    reserves: list[Reserve] = [book.get(("reserve", number)) for number, _ in listed(book)]
    calls = [
        call(deployment(book).pool, "getReservesList()"),
        *(call(reserve.asset, "balanceOf(address)", reserve.a_token) for reserve in reserves),
    ]
    results = yield [*calls, *questions.calls]
    check_listing(name, book, decode.addresses(results[0]), assets)
    for reserve, result in zip(reserves, results[1 : len(calls)], strict=True):
        replace(book, ("liquidity", reserve.id), decode.uint(result))
    yield from prices.take(book, checks, block, questions, results[len(calls) :])
