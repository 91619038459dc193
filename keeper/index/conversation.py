"""Carrying out a protocol's reads: the protocol says which calls, the chain answers."""

from collections.abc import Sequence
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
