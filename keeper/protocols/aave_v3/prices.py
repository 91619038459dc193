"""Prices at the head: the oracle is asked, and what it says is held against what logs imply."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.protocols import decode
from keeper.protocols.aave_v3.fold_oracle import derive, relink, source_of, watch_sources
from keeper.protocols.aave_v3.records import deployment, listed
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call, call_with_addresses
from keeper.protocols.oracles import conversation, tree
from keeper.protocols.oracles.checks import Disagreement, PriceChecks
from keeper.protocols.oracles.feed import FeedProxy
from keeper.protocols.records import replace
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call


class Priced(NamedTuple):
    """A reserve and its source; the zero address where the oracle knows none."""

    number: int
    asset: Address
    source: Address


class Questions(NamedTuple):
    """What to ask at a head: prices of `reserves`, and of contracts by address what they do not log.

    `members` are all contracts that prices come from, `reserves` those of which the oracle is asked.
    """

    members: list[Address]
    reserves: list[Priced]
    readings: dict[Address, Call]
    proxies: list[Address]
    fallbacks: list[Address]
    calls: list[Call]
    """All of it; the prices come last and in one call."""


def learn(book: Book) -> Reads[None]:
    """Sources, fallback oracle and what the sources are made of, where still unknown."""
    oracle = deployment(book).oracle
    assets = [asset for _, asset in listed(book) if source_of(book, asset) is None]
    if assets or book.get(("fallback", oracle)) is None:
        fallback, *results = yield [
            call(oracle, "getFallbackOracle()"),
            *(call(oracle, "getSourceOfAsset(address)", asset) for asset in assets),
        ]
        replace(book, ("fallback", oracle), decode.address(fallback) or ZERO_ADDRESS)
        for asset, result in zip(assets, results, strict=True):
            book.put(("source", oracle, asset), decode.address(result) or ZERO_ADDRESS)
        relink(book)
    yield from learn_sources(book, [each.source for each in priced(book)])


def learn_sources(book: Book, sources: Sequence[Address]) -> Reads[None]:
    """Find out what those of `sources` are made of that are not known yet."""
    unknown = [source for source in sources if not _is_learnt(book, source)]
    yield from learn_again(book, unknown)


def learn_again(book: Book, sources: Sequence[Address]) -> Reads[None]:
    """Find out what `sources` are made of, and watch all that announces their answers."""
    unique = sorted(set(sources) - {ZERO_ADDRESS})
    if unique:
        watch_sources(book, (yield from conversation.learn(book, unique)))


def _is_learnt(book: Book, source: Address) -> bool:
    return all(book.get(("probed", member)) for member in tree.members(book, source))


def priced(book: Book) -> list[Priced]:
    """Every listed reserve with its source, as far as known."""
    return [Priced(number, asset, source_of(book, asset) or ZERO_ADDRESS) for number, asset in listed(book)]


def questions(book: Book, checks: PriceChecks, block: BlockRef) -> Questions:
    """What only the chain can tell at `block`, for `take`."""
    contracts = deployment(book)
    asked = [each for each in priced(book) if _must_ask(book, checks, each, block)]
    members = _members(book)
    readings = _readings(book, members)
    proxies = _proxies(book, members) if checks.proxies_due(block) else []
    fallback = book.get(("fallback", contracts.oracle))
    fallbacks = [] if fallback == ZERO_ADDRESS else _without_answer(book, block)
    calls = [
        *readings.values(),
        *(call(proxy, "aggregator()") for proxy in proxies),
        *(call(fallback, "getAssetPrice(address)", asset) for asset in fallbacks),
    ]
    if asked:
        assets = [each.asset for each in asked]
        calls.append(call_with_addresses(contracts.oracle, "getAssetsPrices(address[])", assets))
    return Questions(members, asked, readings, proxies, fallbacks, calls)


def take(
    book: Book, checks: PriceChecks, block: BlockRef, asked: Questions, results: Sequence[bytes | None]
) -> Reads[None]:
    """Enter the results of `asked.calls`, and hold the oracle's prices against the derived: its count."""
    moved = _enter(book, asked, results)
    yield from learn_again(book, moved)
    members = _members(book) if moved else asked.members
    yield from conversation.take_seats(book, _proxies(book, members), block.timestamp)
    answers = decode.uints(results[-1]) if asked.reserves else []
    if answers is None:
        answers = yield from _prices_one_by_one(deployment(book).oracle, asked.reserves)
    prices = dict(zip(asked.reserves, answers, strict=True))
    derived = _derived(book, block)
    wrong = [each for each, price in prices.items() if derived[each] not in (None, price)]
    if wrong:
        yield from _correct(book, checks, wrong, prices, block)
        derived = _derived(book, block)
    for each, ours in derived.items():
        if each in prices and ours is not None:
            checks.agreed(each.source, ours, block)
        replace(book, ("price", each.number), prices.get(each, ours) or None)


def _derived(book: Book, block: BlockRef) -> dict[Priced, int | None]:
    """Every listed reserve's price as logs imply it at `block`."""
    return {each: derive(book, each.asset, block.timestamp) for each in priced(book)}


def _members(book: Book) -> list[Address]:
    """All contracts that the listed assets' prices come from."""
    return list(dict.fromkeys(m for each in priced(book) for m in tree.members(book, each.source)))


def _must_ask(book: Book, checks: PriceChecks, each: Priced, block: BlockRef) -> bool:
    return (
        checks.due(each.source, block)
        or derive(book, each.asset, block.timestamp) is None
        or tree.needs_reads(book, each.source)
    )


def _enter(book: Book, asked: Questions, results: Sequence[bytes | None]) -> list[Address]:
    """Enter all but the prices; return the proxies that have another aggregator."""
    rest = iter(results)
    for address in asked.readings:
        record = tree.record_of(book, address)
        assert tree.is_read(record)
        tree.put(book, address, record.read(next(rest)))
    moved = [proxy for proxy in asked.proxies if _moved(book, proxy, decode.address(next(rest)))]
    fallback_prices = {asset: decode.uint(next(rest)) or 0 for asset in asked.fallbacks}
    for _, asset in listed(book):
        replace(book, ("fallback_price", asset), fallback_prices.get(asset))
    return moved


def _readings(book: Book, members: Sequence[Address]) -> dict[Address, Call]:
    readings = {}
    for address in members:
        record = tree.record_of(book, address)
        if tree.is_read(record) and (reading := record.reading(address)):
            readings[address] = reading
    return readings


def _proxies(book: Book, members: Sequence[Address]) -> list[Address]:
    return [address for address in members if isinstance(tree.record_of(book, address), FeedProxy)]


def _moved(book: Book, proxy: Address, aggregator: Address | None) -> bool:
    record = tree.record_of(book, proxy)
    return isinstance(record, FeedProxy) and aggregator not in (None, record.aggregator)


def _without_answer(book: Book, block: BlockRef) -> list[Address]:
    """Assets whose source does not exist or has no answer above zero."""
    answers = {
        each.asset: 0 if each.source == ZERO_ADDRESS else tree.answer_at(book, each.source, block.timestamp)
        for each in priced(book)
    }
    return [asset for asset, answer in answers.items() if answer is not None and answer <= 0]


def _prices_one_by_one(oracle: Address, asked: Sequence[Priced]) -> Reads[list[int]]:
    """The batch reverts as a whole when a single asset has no price."""
    results = yield [call(oracle, "getAssetPrice(address)", each.asset) for each in asked]
    return [decode.uint(result) or 0 for result in results]


def _disagrees(book: Book, each: Priced, price: int, block: BlockRef) -> bool:
    derived = derive(book, each.asset, block.timestamp)
    return derived is not None and derived != price


def _correct(
    book: Book, checks: PriceChecks, wrong: Sequence[Priced], prices: dict[Priced, int], block: BlockRef
) -> Reads[None]:
    """Look again what the sources are made of; one that did not change is not understood, only read."""
    before = {each: (derive(book, each.asset, block.timestamp), _shape(book, each)) for each in wrong}
    yield from learn_again(book, [each.source for each in wrong])
    for each, (derived, shape) in before.items():
        right = not _disagrees(book, each, prices[each], block)
        relearnt = right and shape != _shape(book, each)
        if not relearnt:
            book.put(("distrusted", each.source), 1)
        found = Disagreement(each.asset, each.source, derived or 0, prices[each], block.number, relearnt)
        checks.disagreed(found)


def _shape(book: Book, each: Priced) -> tree.Shape:
    return tree.shape(book, each.source)
