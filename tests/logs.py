"""Logs of tests that make their own."""

from collections.abc import Sequence

from keeper.types import Address, Hash, Log

NOTHING = "0x" + "00" * 32


def mined(
    address: Address,
    topics: Sequence[str] = (),
    data: str = "0x",
    *,
    block: int = 1,
    block_hash: str = NOTHING,
    tx_hash: str = NOTHING,
    tx_index: int = 0,
    log_index: int = 0,
) -> Log:
    """A log as a node sends it."""
    return Log(
        address,
        tuple(topics),
        data,
        hex(block),
        Hash(block_hash),
        Hash(tx_hash),
        hex(tx_index),
        hex(log_index),
    )
