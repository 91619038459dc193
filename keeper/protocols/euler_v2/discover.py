"""Contracts that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.decode import topic, topic_address
from keeper.types import Address, Log

_PROXY_CREATED = topic("ProxyCreated(address,bool,address,bytes)")
_SET_IMPLEMENTATION = topic("SetImplementation(address)")


def created(logs: Iterable[Log], factory: Address) -> frozenset[Address]:
    """Vaults that the factory makes in `logs`."""
    return frozenset(topic_address(log, 1) for log in _of(logs, factory, _PROXY_CREATED))


def implementations(logs: Iterable[Log], factory: Address) -> list[Address]:
    """What the factory points its upgradeable vaults to in `logs`."""
    return list(dict.fromkeys(topic_address(log, 1) for log in _of(logs, factory, _SET_IMPLEMENTATION)))


def _of(logs: Iterable[Log], factory: Address, first_topic: str) -> Iterable[Log]:
    return (log for log in logs if log.address == factory and log.topics and log.topics[0] == first_topic)
