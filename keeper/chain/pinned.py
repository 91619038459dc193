"""Reads of one block by its hash, also on an endpoint that only knows numbers."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from keeper.chain.decode import answers, block_param, block_ref
from keeper.chain.endpoint import Endpoint
from keeper.chain.faults import Behind
from keeper.errors import CallReverted, Degraded
from keeper.ports import BlockId
from keeper.types import BlockRef

T = TypeVar("T")


class PinnedEndpoint(Endpoint):
    """An endpoint whose reads can name a block by hash."""

    pins_by_hash: bool | None = None
    """Whether it takes a block hash as EIP-1898 has it; None before that was tried."""

    async def pinned(self, block: BlockId, ask: Callable[[Any], Awaitable[T]]) -> T:
        """`ask` with the parameter for `block`.

        Where hashes are not taken, the number is asked for, between two looks at the hash it has.

        Raises:
            Transient: the block is not on this endpoint's chain, or was replaced meanwhile.
        """
        if not isinstance(block, BlockRef):
            return await ask(block_param(block))
        if self.pins_by_hash is not False:
            try:
                answer = await ask(block_param(block))
            except Degraded:
                if self.pins_by_hash:
                    raise
            else:
                self.pins_by_hash = True
                return answer
        return await self._between_looks(block, ask)

    async def _between_looks(self, block: BlockRef, ask: Callable[[Any], Awaitable[T]]) -> T:
        await self._look(block)
        try:
            answer = await ask(hex(block.number))
        except CallReverted:
            await self._look(block)
            raise
        await self._look(block)
        self.pins_by_hash = False
        return answer

    async def _look(self, block: BlockRef) -> None:
        found = await self.request("eth_getBlockByNumber", (hex(block.number), False))
        with answers(self.host, "eth_getBlockByNumber"):
            same = found is not None and block_ref(found).hash == block.hash
        if not same:
            raise Behind(f"{self.host}: block {block.number} is not {block.hash} here")
