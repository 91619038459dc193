"""Carrying out a protocol's reads: the protocol says which calls, the chain answers."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from keeper.ports import BlockId
from keeper.protocols.base import Reads
from keeper.types import Call

T = TypeVar("T")


class Caller(Protocol):
    """The part of `keeper.ports.ChainReader` that conversations need."""

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]: ...


async def converse(reads: Reads[T], chain: Caller, block: BlockId) -> T:
    """Drive `reads` at `block` to its end and return what it learned."""
    try:
        calls = next(reads)
        while True:
            calls = reads.send(await chain.call_many(calls, block))
    except StopIteration as stop:
        learned: T = stop.value
        return learned


class Foreseen:
    """Answers calls that were foreseen from `answers`, and asks `chain` the rest.

    What is asked at one head mostly is asked at the next one, too. `asked` is all that was.
    """

    def __init__(self, chain: Caller, answers: Mapping[Call, bytes | None]) -> None:
        self._chain = chain
        self._answers = dict(answers)
        self.asked: dict[Call, None] = {}

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        """See `Caller`."""
        self.asked |= dict.fromkeys(calls)
        missing = [call for call in calls if call not in self._answers]
        if missing:
            answers = await self._chain.call_many(missing, block)
            self._answers |= zip(missing, answers, strict=True)
        return [self._answers[call] for call in calls]
