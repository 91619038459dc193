"""Conversations about quotes, and how many of them share each round trip."""

from collections.abc import Generator, Mapping, Sequence
from typing import TypeVar

from keeper.plan.route import Quote, QuoteRequest, Venue
from keeper.protocols.base import Reads
from keeper.types import Address

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

Quoting = Generator[Sequence[QuoteRequest], Sequence[Quote | None], T]
"""Yields requests, receives quotes (None where the path cannot), returns what it found."""


def together(
    conversations: Sequence[Generator[Sequence[A], Sequence[B], T]],
) -> Generator[Sequence[A], Sequence[B], list[T]]:
    """Hold many conversations as one: every round asks what all of them want to know next.

    Returns their results in the order given. A round costs what its questions cost, and one trip.
    """
    results: dict[int, T] = {}
    asking: dict[int, Sequence[A]] = {}

    def resume(index: int, answers: Sequence[B] | None) -> None:
        try:
            conversation = conversations[index]
            asking[index] = next(conversation) if answers is None else conversation.send(answers)
        except StopIteration as stop:
            asking.pop(index, None)
            results[index] = stop.value

    for index in range(len(conversations)):
        resume(index, None)
    while asking:
        answers = yield [question for questions in asking.values() for question in questions]
        start = 0
        for index, questions in list(asking.items()):
            resume(index, answers[start : start + len(questions)])
            start += len(questions)
    return [results[index] for index in range(len(conversations))]


def quoted(conversation: Quoting[T], venues: Mapping[Address, Venue]) -> Reads[T]:
    """Turn a conversation about quotes into reads of the chain; nothing is asked twice."""
    known: dict[QuoteRequest, Quote | None] = {}
    try:
        requests = next(conversation)
        while True:
            new: dict[Address, dict[QuoteRequest, None]] = {}
            for request in requests:
                if request not in known:
                    new.setdefault(request.path.factory, {})[request] = None
            answers = yield from together([venues[name].quote(list(asked)) for name, asked in new.items()])
            for asked, quotes in zip(new.values(), answers, strict=True):
                known.update(zip(asked, quotes, strict=True))
            requests = conversation.send([known[request] for request in requests])
    except StopIteration as stop:
        result: T = stop.value
        return result
