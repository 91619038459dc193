"""Hubs that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.decode import topic, topic_address
from keeper.types import Address, Log

_RESERVE_ADDED = topic("AddReserve(uint256,uint256,address)")


def discovered(logs: Iterable[Log], spoke: Address, known: frozenset[Address]) -> frozenset[Address]:
    """Hubs that the spoke's new reserves stand on."""
    named = (
        topic_address(log, 3)
        for log in logs
        if log.address == spoke and log.topics and log.topics[0] == _RESERVE_ADDED
    )
    return frozenset(named) - known
