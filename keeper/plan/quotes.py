"""Conversations about quotes: what is known locally is told, the chain is asked for the rest."""

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TypeVar

from keeper.plan.liquidity import Liquidity
from keeper.plan.route import Question, Quote, QuoteRequest, Venue
from keeper.plan.together import together
from keeper.protocols.base import Reads
from keeper.types import Address

T = TypeVar("T")

Quoting = Generator[Sequence[Question], Sequence[Quote | None], T]
"""Yields questions, receives quotes (None where the path cannot), returns what it found."""


def quoted(conversation: Quoting[T], venues: Mapping[Address, Venue], liquidity: Liquidity) -> Reads[T]:
    """Turn a conversation about quotes into reads of the chain; nothing is asked twice.

    What `liquidity` can tell is not asked at all.
    """
    known: dict[Question, Quote | None] = {}
    try:
        questions = next(conversation)
        while True:
            unknown = _tell(questions, known, liquidity)
            if unknown:
                asked: dict[Address, list[QuoteRequest]] = {}
                for request in unknown:
                    asked.setdefault(request.path.factory, []).append(request)
                answers = yield from together([venues[name].quote(those) for name, those in asked.items()])
                for those, quotes in zip(asked.values(), answers, strict=True):
                    known.update(zip(those, quotes, strict=True))
            questions = conversation.send([known[question] for question in questions])
    except StopIteration as stop:
        result: T = stop.value
        return result


def _tell(
    questions: Iterable[Question], known: dict[Question, Quote | None], liquidity: Liquidity
) -> list[QuoteRequest]:
    """Add to `known` what `liquidity` can answer; returns what only the chain can."""
    unknown: dict[QuoteRequest, None] = {}
    for question in questions:
        if question in known:
            continue
        if not isinstance(question, QuoteRequest):
            known[question] = liquidity.divide(question)
        elif quote := liquidity.quote(question):
            known[question] = quote
        elif liquidity.told_by_chain(question.path):
            unknown[question] = None
        else:
            known[question] = None
    return list(unknown)
