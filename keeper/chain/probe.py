"""What an endpoint can do, asked before relying on it (`doctor` and start-up)."""

from typing import NamedTuple

from keeper.chain.bloom import bloom_of
from keeper.chain.decode import Header
from keeper.chain.faults import DeadlineExceeded, MethodMissing, TooLarge
from keeper.chain.rpc import Rpc
from keeper.clock import Clock
from keeper.errors import Degraded, Transient
from keeper.types import ZERO_ADDRESS, BlockRef, Call

_RANGES = (100_000, 10_000, 2_000, 1_000, 500, 100, 10, 1)
"""Block counts that providers are known to use as limits, largest first."""

_LOG_BLOCKS = 16
"""Newest blocks among which one with logs is looked for."""


class Facts(NamedTuple):
    """`head_age` in seconds; `log_range` is the largest tried number of blocks that eth_getLogs took.

    `pins_by_hash`: reads can name a block by hash. `full_logs`: the logs of a recent block account for
    the bloom filter in its header; None where no block could tell.
    """

    chain_id: int
    client: str
    head: BlockRef
    head_age: float
    log_range: int
    syncing: bool
    pins_by_hash: bool
    full_logs: bool | None


async def probe(rpc: Rpc, clock: Clock) -> Facts:
    """Ask one endpoint what it is.

    Raises:
        MethodMissing: it offers no eth_getLogs, without which no position can be followed.
        Transient: it does not answer.
    """
    chain_id = await rpc.chain_id()
    client = await rpc.client_version()
    head = await rpc.block("latest")
    return Facts(
        chain_id,
        client,
        head,
        clock.now() - head.timestamp,
        await _log_range(rpc, head.number),
        await _syncing(rpc),
        await _pins_by_hash(rpc, head),
        await _full_logs(rpc, head.number),
    )


async def _log_range(rpc: Rpc, head: int) -> int:
    """Nothing is logged by the zero address, so the answers stay empty whatever the range."""
    refusal: TooLarge | DeadlineExceeded | None = None
    for blocks in _RANGES:
        first = max(0, head - blocks + 1)
        try:
            await rpc.logs_at_once([ZERO_ADDRESS], first, head)
        except (TooLarge, DeadlineExceeded) as error:
            refusal = error
        else:
            return blocks
    assert refusal is not None
    raise refusal


async def _syncing(rpc: Rpc) -> bool:
    try:
        return await rpc.syncing()
    except (MethodMissing, Degraded):
        return False


async def _pins_by_hash(rpc: Rpc, head: BlockRef) -> bool:
    """A call to the zero address returns nothing, wherever it is understood."""
    try:
        await rpc.call(Call(ZERO_ADDRESS, b""), head)
    except (MethodMissing, Degraded, Transient):
        return False
    return rpc.pins_by_hash is True


async def _full_logs(rpc: Rpc, head: int) -> bool | None:
    try:
        recent = await rpc.headers(range(max(0, head - _LOG_BLOCKS + 1), head + 1))
        telling = [header for header in recent if header.bloom]
        return await _explained(rpc, telling[-1]) if telling else None
    except (MethodMissing, Degraded, Transient):
        return None


async def _explained(rpc: Rpc, header: Header) -> bool:
    return header.bloom & ~bloom_of(await rpc.block_logs(header.block.hash)) == 0
