"""What an endpoint can do, asked before relying on it (`doctor` and start-up)."""

from typing import NamedTuple

from keeper.chain.faults import DeadlineExceeded, TooLarge
from keeper.chain.rpc import Rpc
from keeper.clock import Clock
from keeper.types import ZERO_ADDRESS, BlockRef

_RANGES = (100_000, 10_000, 2_000, 1_000, 500, 100, 10, 1)
"""Block counts that providers are known to use as limits, largest first."""


class Facts(NamedTuple):
    """`head_age` in seconds; `log_range` is the largest tried number of blocks that eth_getLogs took."""

    chain_id: int
    client: str
    head: BlockRef
    head_age: float
    log_range: int


async def probe(rpc: Rpc, clock: Clock) -> Facts:
    """Ask one endpoint what it is.

    Raises:
        MethodMissing: it offers no eth_getLogs, without which no position can be followed.
        Transient: it does not answer.
    """
    chain_id = await rpc.chain_id()
    client = await rpc.client_version()
    head = await rpc.block("latest")
    return Facts(chain_id, client, head, clock.now() - head.timestamp, await _log_range(rpc, head.number))


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
