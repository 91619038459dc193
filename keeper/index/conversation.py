"""Carrying out a protocol's reads: the protocol says which calls, the chain answers."""

from typing import TypeVar

from keeper.ports import BlockId, ChainReader
from keeper.protocols.base import Reads

T = TypeVar("T")


async def converse(reads: Reads[T], chain: ChainReader, block: BlockId) -> T:
    """Drive `reads` at `block` to its end and return what it learned."""
    try:
        calls = next(reads)
        while True:
            calls = reads.send(await chain.call_many(calls, block))
    except StopIteration as stop:
        learned: T = stop.value
        return learned
