"""Conversations held together, and quotes asked of several venues at once."""

from collections.abc import Collection, Generator, Iterable, Sequence

from keeper.plan.liquidity import Liquidity
from keeper.plan.model import Hop
from keeper.plan.quotes import Quoting, quoted
from keeper.plan.route import Path, Pools, Quote, QuoteRequest, keys
from keeper.plan.together import together
from keeper.protocols.base import Reads
from keeper.types import Address, BlockRef, Call
from tests.unit.test_plan_pools import pool
from tests.unit.test_plan_uniswap_v3 import drive

TOKEN = Address("0x" + "01" * 20)


def countdown(start: int) -> Generator[Sequence[int], Sequence[int], list[int]]:
    """Asks for start, start-1, ... 1, two at a time, and returns the answers."""
    answers: list[int] = []
    while start > 0:
        answers += yield list(range(start, max(start - 2, 0), -1))
        start -= 2
    return answers


def answer(
    conversation: Generator[Sequence[int], Sequence[int], list[list[int]]],
) -> tuple[list[list[int]], list[int]]:
    """Doubles every question; returns the result and the size of each round."""
    rounds: list[int] = []
    try:
        questions = next(conversation)
        while True:
            rounds.append(len(questions))
            questions = conversation.send([2 * question for question in questions])
    except StopIteration as stop:
        return stop.value, rounds


def test_together__conversations_of_different_length__each_gets_its_own_answers() -> None:
    results, rounds = answer(together([countdown(5), countdown(0), countdown(2), countdown(3)]))
    assert results == [[10, 8, 6, 4, 2], [], [4, 2], [6, 4, 2]]
    assert rounds == [6, 3, 1]


def test_together__nothing_to_talk_about__ends_without_asking() -> None:
    assert answer(together([])) == ([], [])


class Doubler:
    """A venue that asks the chain one call a request and doubles the amount."""

    def __init__(self, factory: str) -> None:
        self.factory = Address(factory)

    def discover(self, pairs: Collection[tuple[Address, Address]], block: int) -> Reads[None]:
        raise NotImplementedError

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        raise NotImplementedError

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        raise NotImplementedError

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        answers = yield [Call(self.factory, bytes([request.amount_in])) for request in requests]
        return [Quote(2 * data[0], 1) if data else None for data in answers]


def test_quoted__two_venues_and_repeated_requests__one_round_nothing_twice() -> None:
    first, second = Doubler("0x" + "0a" * 20), Doubler("0x" + "0b" * 20)
    a, b = (Path(venue.factory, TOKEN, (Hop(TOKEN, 500),)) for venue in (first, second))

    def conversation() -> Quoting[list[list[Quote | None]]]:
        one = yield [QuoteRequest(a, 1), QuoteRequest(b, 2), QuoteRequest(a, 1), QuoteRequest(a, 9)]
        two = yield [QuoteRequest(b, 2), QuoteRequest(b, 3)]
        return [list(one), list(two)]

    reads = quoted(conversation(), {first.factory: first, second.factory: second}, Liquidity())
    asked = [next(reads)]
    result: list[list[Quote | None]] = []
    try:
        while True:
            asked.append(reads.send([call.data if call.data[0] != 9 else None for call in asked[-1]]))
    except StopIteration as stop:
        result = stop.value
    assert [[(call.to, call.data[0]) for call in calls] for calls in asked] == [
        [(first.factory, 1), (first.factory, 9), (second.factory, 2)],
        [(second.factory, 3)],
    ]
    assert result == [[Quote(2, 1), Quote(4, 1), Quote(2, 1), None], [Quote(4, 1), Quote(6, 1)]]


def test_quoted__more_than_the_known_part_of_a_pool_takes__nobody_is_asked() -> None:
    venue = Doubler("0x" + "0a" * 20)
    path = Path(venue.factory, TOKEN, (Hop(Address("0x" + "02" * 20), 3000),))
    liquidity = Liquidity(dict.fromkeys(keys(path), pool()))

    def conversation() -> Quoting[list[Quote | None]]:
        quotes = yield [QuoteRequest(path, 10**9), QuoteRequest(path, 10**30)]
        return list(quotes)

    [known, beyond], asked = drive(quoted(conversation(), {venue.factory: venue}, liquidity), lambda _: None)
    assert known
    assert beyond is None
    assert asked == []
