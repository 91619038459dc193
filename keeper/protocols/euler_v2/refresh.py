"""What logs do not carry, read at the head: quotes, tokens' names, shares of foreign collaterals."""

from collections.abc import Sequence

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.decode import call
from keeper.protocols.euler_v2.dollars import price_tokens
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.learning import (
    enter_scales,
    leaf_calls,
    learn_routes,
    leaves_of,
    proportional,
)
from keeper.protocols.euler_v2.quotes import route_key, route_of
from keeper.protocols.euler_v2.records import Asset, Leaf, deployment, status, vault, vaults
from keeper.protocols.euler_v2.wanted import Pair, sample, wanted
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Address, Call, checksum

_OTHER_VAULTS = "the factory has made another number of vaults than the logs since start_block tell"


def refresh(name: str, book: Book, frame: EulerFrame) -> Reads[list[str]]:
    """Read at the block just folded, whose time is the frame's; returns what an operator should know.

    Raises:
        ConfigError: the factory has made vaults but the logs since the start block tell of none.
    """
    (count,) = yield [call(deployment(book).factory, "getProxyListLength()")]
    _check_count(name, book, decode.uint(count))
    yield from _learn_tokens(book)
    yield from _foreign_shares(book)
    pairs = wanted(book)
    yield from learn_routes(book, (_leaf(each) for each in pairs if _route(book, each) is None))
    notices: list[str] = []
    wrong = yield from _read_quotes(book, frame, pairs)
    if wrong:
        # A route may have changed; what a new one does not explain either is asked as a whole.
        yield from learn_routes(book, map(_leaf, wrong))
        wrong = yield from _read_quotes(book, _again(book, frame), wrong)
        for each in wrong:
            replace(book, route_key(*_leaf(each)), (_leaf(each),))
        still = yield from _read_quotes(book, _again(book, frame), wrong)
        notices = [_opaque(each) for each in still]
        yield from _read_in_proportion(book, still)
    yield from price_tokens(book, _again(book, frame), pairs)
    return notices


def _again(book: Book, frame: EulerFrame) -> EulerFrame:
    """A frame that has not remembered any quote yet."""
    return EulerFrame(book, frame.timestamp, {})


def _leaf(pair: Pair) -> Leaf:
    return Leaf(pair.oracle, pair.base, pair.unit)


def _route(book: Book, pair: Pair) -> object:
    return route_of(book, *_leaf(pair))


def _opaque(pair: Pair) -> str:
    return (
        f"oracle {checksum(pair.oracle)} does not quote {checksum(pair.base)} in proportion; "
        "health and amounts with it are only close"
    )


def _read_quotes(book: Book, frame: EulerFrame, pairs: Sequence[Pair]) -> Reads[list[Pair]]:
    """Read the scales of all quotes; returns those whose steps do not lead to what the oracle says."""
    if not pairs:
        return []
    routes = [route_of(book, *_leaf(each)) or () for each in pairs]
    leaves = leaves_of(routes)
    calls = [asked for leaf in leaves for asked in leaf_calls(leaf)]
    results = yield [*calls, *(_asked(book, each) for each in pairs)]
    enter_scales(book, leaves, results[: len(calls)])
    return [
        each
        for each, result in zip(pairs, results[len(calls) :], strict=True)
        if decode.uint(result) != _derived(book, frame, each)
    ]


def _asked(book: Book, pair: Pair) -> Call:
    name = "getQuote(uint256,address,address)"
    return call(pair.oracle, name, sample(book, pair), pair.base, pair.unit)


def _derived(book: Book, frame: EulerFrame, pair: Pair) -> int | None:
    steps = frame.steps(pair.controller.number, pair.held.number)
    return None if steps is None else frame.apply(steps, sample(book, pair))


def _read_in_proportion(book: Book, pairs: Sequence[Pair]) -> Reads[None]:
    if not pairs:
        return
    results = yield [_asked(book, each) for each in pairs]
    amounts = {}
    for each, result in zip(pairs, results, strict=True):
        quote = decode.uint(result)
        if quote is not None:
            amounts[_leaf(each)] = sample(book, each), quote
    proportional(amounts, book)


def _check_count(name: str, book: Book, count: int | None) -> None:
    folded = sum(bool(vault(book, number).asset) for number in range(len(vaults(book))))
    if count == folded and book.get(("doubt",)) == _OTHER_VAULTS:
        book.put(("doubt",), None)  # the node that said otherwise was wrong
    if count is None or count == folded:
        return
    if not folded:
        raise ConfigError(
            f"deployment {name!r}: the factory has made {count} vaults, but the logs since start_block tell "
            "of none: start_block must not be later than the block the factory was deployed in"
        )
    doubt(book, _OTHER_VAULTS)


def _learn_tokens(book: Book) -> Reads[None]:
    tokens = _tokens_in_use(book)
    unknown = [token for token in tokens if book.get(("asset", token)) is None]
    if unknown:
        names = ("symbol()", "decimals()")
        answers = iter((yield [call(token, name) for token in unknown for name in names]))
        for token in unknown:
            symbol, decimals = decode.text(next(answers)), decode.uint(next(answers))
            book.put(("asset", token), Asset(symbol or "", _sane(decimals)))


def _sane(decimals: int | None) -> int:
    return decimals if decimals is not None and decimals <= 255 else 18


def _tokens_in_use(book: Book) -> list[Address]:
    used = [n for n in range(len(vaults(book))) if vault(book, n).asset and status(book, n).shares]
    return list(dict.fromkeys(vault(book, number).asset for number in used))


def _foreign_shares(book: Book) -> Reads[None]:
    """Shares of collaterals that no log tells, for the accounts that use them."""
    foreign = [number for number in range(len(vaults(book))) if not vault(book, number).asset]
    if not foreign:
        return
    asked = [
        (account, number)
        for account in list(book.accounts())
        if book.group(account) and book.quantity(account, book.group(account) - 1, Side.DEBT)
        for number in foreign
        if book.enabled(account, number)
    ]
    if not asked:
        return
    results = yield [call(vaults(book)[number], "balanceOf(address)", account) for account, number in asked]
    for (account, number), result in zip(asked, results, strict=True):
        shares = decode.uint(result) or 0
        if shares != book.quantity(account, number, Side.COLLATERAL):
            book.set_quantity(account, number, Side.COLLATERAL, shares)
