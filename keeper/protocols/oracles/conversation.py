"""The reads that find out what a source is made of, and those that follow what no log announces."""

from collections.abc import Iterable, Mapping, Sequence

from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.oracles import dual, feed, kinds
from keeper.protocols.oracles.constant import Polled
from keeper.protocols.oracles.dual import KEPT, DualAggregator, Round, Seat
from keeper.protocols.oracles.feed import Feed, FeedProxy
from keeper.protocols.oracles.ratio_cap import RatioCap
from keeper.protocols.oracles.source import Found, Source
from keeper.protocols.oracles.tree import DEEPEST, put, record_of
from keeper.protocols.oracles.words import signed
from keeper.types import ZERO_ADDRESS, Address

_PHASE = (1 << 64) - 1
"""A proxy puts its phase above the aggregator's own round number."""


def learn(book: Book, sources: Sequence[Address]) -> Reads[list[Address]]:
    """Find out everything about `sources` and what they read; return the contracts whose logs matter."""
    found: dict[Address, Source] = {}
    duals: dict[Address, None] = {}
    told: dict[Address, int | None] = {}
    waiting = list(dict.fromkeys(sources))
    for _ in range(DEEPEST):
        if not waiting:
            break
        answers = yield from _probe(waiting)
        told |= {address: decode.uint(getters[feed.LATEST_ANSWER]) for address, getters in answers.items()}
        waiting = _recognise(answers, found, duals)
    for aggregator in duals:
        found[aggregator] = yield from _read_dual(aggregator, found)
    for address, record in found.items():
        if isinstance(record, RatioCap) and told.get(record.feed) != record.ratio:
            found[address] = record._replace(feed=ZERO_ADDRESS)
    reached = _reached(sources, found)
    for address in reached:
        put(book, address, _merged(record_of(book, address), found[address]))
        book.put(("probed", address), 1)
    return [address for address in reached if not isinstance(found[address], Polled)]


def _reached(sources: Sequence[Address], found: Mapping[Address, Source]) -> list[Address]:
    """The members of the trees: not the tokens that a ratio is asked from."""
    reached: dict[Address, None] = {}
    waiting = list(sources)
    while waiting:
        address = waiting.pop()
        if address in found and address not in reached:
            reached[address] = None
            waiting += found[address].children()
    return list(reached)


def _probe(addresses: Sequence[Address]) -> Reads[dict[Address, Found]]:
    results = iter((yield [call(address, getter) for address in addresses for getter in kinds.GETTERS]))
    return {address: {getter: next(results) for getter in kinds.GETTERS} for address in addresses}


def _recognise(
    answers: Mapping[Address, Found], found: dict[Address, Source], duals: dict[Address, None]
) -> list[Address]:
    """Enter what `answers` tell into `found`; return the contracts named that are not known yet."""
    named: dict[Address, None] = {}
    for address, getters in answers.items():
        if dual.is_dual(getters):
            duals[address] = None
            found[address] = Feed()
            continue
        record = kinds.recognise(getters)
        if address in found and not record.children():
            continue  # an aggregator: its proxy has told its answer, which it need not tell everybody
        found[address] = record
        if isinstance(record, FeedProxy):
            answer = decode.uint(getters[feed.LATEST_ANSWER])
            found.setdefault(record.aggregator, Feed(signed(answer or 0)))
            named[record.aggregator] = None
        named |= dict.fromkeys(child for child in record.children() if child not in found)
    return [address for address in named if address not in answers]


def _read_dual(aggregator: Address, found: Mapping[Address, Source]) -> Reads[DualAggregator]:
    """The rounds of a dual aggregator, as it and the proxies in front of it tell them.

    Asked directly it hides a round of this very block; the secondary proxy tells that one.
    """
    proxies = [
        a for a, record in found.items() if isinstance(record, FeedProxy) and record.aggregator == aggregator
    ]
    asked = [aggregator, *proxies]
    results = yield [call(address, "latestRoundData()") for address in asked]
    public, *seen = [_round(result) for result in results]
    newest = max(each.id for each in (public, *seen))
    wanted = range(max(1, newest - KEPT + 1), newest)
    history = yield [call(aggregator, "getRoundData(uint80)", number) for number in wanted]
    rounds = {each.id: each for each in (*map(_round, history), public, *seen) if each.id}
    others = [each.id for each in seen if each.id != public.id]
    return DualAggregator(
        rounds=tuple(rounds[number] for number in sorted(rounds)),
        # What the secondary proxy sees is as good as its newest round: the cutoff only moves forward.
        secondary=others[0] if others else newest,
        alone=int(newest > public.id),
    )


def _round(result: bytes | None) -> Round:
    number, answer, recorded = (decode.uint(result, position) or 0 for position in (0, 1, 3))
    return Round(number & _PHASE, signed(answer), recorded)


def _merged(old: Source | None, new: Source) -> Source:
    """`new`, with what only logs could tell about the same contract."""
    if isinstance(old, DualAggregator) and isinstance(new, DualAggregator):
        return new._replace(cutoff=old.cutoff, iterations=old.iterations)
    if isinstance(old, FeedProxy) and isinstance(new, FeedProxy) and old.aggregator == new.aggregator:
        return old
    return new


def take_seats(book: Book, proxies: Iterable[Address], timestamp: int) -> Reads[None]:
    """Tell the secondary proxy of a dual aggregator from others, as soon as they are answered differently."""
    undecided = [address for address in proxies if _seat_shows(book, address, timestamp)]
    if not undecided:
        return
    results = yield [call(address, "latestRoundData()") for address in undecided]
    for address, result in zip(undecided, results, strict=True):
        proxy, aggregator = _front(book, address)
        if result is None or proxy is None or aggregator is None:
            continue
        public, secondary = (aggregator.round_for(seat, timestamp) for seat in (Seat.PUBLIC, Seat.SECONDARY))
        if _round(result).id != public:
            put(book, address, proxy._replace(seat=int(Seat.SECONDARY)))
        elif secondary is not None:
            put(book, address, proxy._replace(seat=int(Seat.PUBLIC)))


def _seat_shows(book: Book, address: Address, timestamp: int) -> bool:
    proxy, aggregator = _front(book, address)
    if proxy is None or aggregator is None or proxy.seat != Seat.UNKNOWN:
        return False
    public, secondary = (aggregator.round_for(seat, timestamp) for seat in (Seat.PUBLIC, Seat.SECONDARY))
    return public != secondary


def _front(book: Book, address: Address) -> tuple[FeedProxy | None, DualAggregator | None]:
    proxy = record_of(book, address)
    if not isinstance(proxy, FeedProxy):
        return None, None
    aggregator = record_of(book, proxy.aggregator)
    return proxy, aggregator if isinstance(aggregator, DualAggregator) else None
