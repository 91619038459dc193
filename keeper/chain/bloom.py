"""Ethereum's bloom filter over the logs of a block: what is not in it was not logged."""

from collections.abc import Iterable
from functools import lru_cache

from eth_utils.crypto import keccak

from keeper.types import Log

_BITS = 2047
"""The filter has 2,048 bits; each item sets three of them (Yellow Paper, section 4.4.1)."""


@lru_cache(maxsize=4096)
def mask(item: str) -> int:
    """The three bits of an address or topic, given as 0x-hex."""
    digest = keccak(hexstr=item)
    bits = 0
    for start in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[start : start + 2]) & _BITS)
    return bits


def may_contain(bloom: int, item: str) -> bool:
    """False: nothing of `item` was logged in the block. True: perhaps something was."""
    wanted = mask(item)
    return bloom & wanted == wanted


def bloom_of(logs: Iterable[Log]) -> int:
    """The filter of a block whose logs are exactly `logs`."""
    bloom = 0
    for log in logs:
        bloom |= mask(log.address)
        for topic in log.topics:
            bloom |= mask(topic)
    return bloom
