"""What a spoke or a hub runs: read from the implementations themselves, which never change."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from keeper.protocols import decode
from keeper.protocols.base import Reads
from keeper.protocols.decode import call, topic, topic_address
from keeper.types import Address, Log

KNOWN = 1
"""The one revision of spokes and hubs whose rules are known."""

_UPGRADED = topic("Upgraded(address)")


class Implementation(NamedTuple):
    """Revision as a spoke and as a hub, and a spoke's oracle; None where it tells none."""

    spoke: int | None
    hub: int | None
    oracle: Address | None


def named(logs: Iterable[Log], proxies: Collection[Address], known: Collection[Address]) -> list[Address]:
    """Implementations that `proxies` are pointed to in `logs` and that were not read yet."""
    upgrades = (log for log in logs if log.address in proxies and log.topics[:1] == (_UPGRADED,))
    found = dict.fromkeys(topic_address(log, 1) for log in upgrades)
    return [address for address in found if address not in known]


def probe(addresses: Collection[Address]) -> Reads[dict[Address, Implementation]]:
    """Ask proxies or implementations alike: all of it is constant or immutable."""
    getters = ("SPOKE_REVISION()", "HUB_REVISION()", "ORACLE()")
    if not addresses:
        return {}
    results = iter((yield [call(address, getter) for address in addresses for getter in getters]))
    return {
        address: Implementation(
            decode.uint(next(results)), decode.uint(next(results)), decode.address(next(results))
        )
        for address in addresses
    }
