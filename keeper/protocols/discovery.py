"""Contracts that a batch of logs names, some of them in logs of others that it names."""

from collections.abc import Callable, Iterable, Mapping

from keeper.types import ZERO_ADDRESS, Address, Log

Naming = Mapping[str, Callable[[Log], Iterable[Address]]]
"""By the first topic of a log that names contracts: which ones it names."""


def newly_named(logs: Iterable[Log], known: frozenset[Address], naming: Naming) -> frozenset[Address]:
    """Addresses that known contracts, or ones found on the way, newly name in `logs`."""
    logs = [log for log in logs if log.topics and log.topics[0] in naming]
    found: set[Address] = set()
    while True:
        fresh = {
            address
            for log in logs
            if log.address in known or log.address in found
            for address in naming[log.topics[0]](log)
        }
        fresh -= known | found | {ZERO_ADDRESS}
        if not fresh:
            return frozenset(found)
        found |= fresh
