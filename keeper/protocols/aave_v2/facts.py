"""What logs do not say of contracts and what never changes: read before the log that needs it is folded.

A proxy's events name its implementation but not the implementation's revision, and ReserveInitialized
does not say how many decimals the reserve has.
"""

from collections.abc import Container, Iterable
from typing import NamedTuple

from keeper.protocols.aave_v2.names import POOL
from keeper.protocols.base import Reads
from keeper.protocols.decode import call, topic, topic_address, uint
from keeper.types import ZERO_ADDRESS, Address, Call, Log


class Fact(NamedTuple):
    """Revisions a contract gives itself and its decimals; None where it has no such view."""

    pool: int | None = None
    a_token: int | None = None
    debt_token: int | None = None
    decimals: int | None = None


_VIEWS = ("LENDINGPOOL_REVISION()", "ATOKEN_REVISION()", "DEBT_TOKEN_REVISION()", "decimals()")

_IMPLEMENTATION = {topic("Upgraded(address)"), topic("LendingPoolUpdated(address)")}
_ADDRESS_SET = topic("AddressSet(bytes32,address,bool)")
_RESERVE_INITIALIZED = topic("ReserveInitialized(address,address,address,address,address)")


def named(logs: Iterable[Log], known: Container[Address]) -> list[Address]:
    """Contracts in `logs` about which something must be known, except the known ones."""
    found = dict.fromkeys(address for log in logs if log.topics for address in _named(log))
    return [address for address in found if address not in known and address != ZERO_ADDRESS]


def _named(log: Log) -> list[Address]:
    match log.topics:
        case (kind, _) if kind in _IMPLEMENTATION:
            return [topic_address(log, 1)]
        case (kind, _) if kind == _ADDRESS_SET and log.data[:66] == POOL:
            return [topic_address(log, 1)]
        case (kind, _, _) if kind == _RESERVE_INITIALIZED:
            return [topic_address(log, 2)]
        case _:
            return []


def probe(contracts: Iterable[Address]) -> Reads[dict[Address, Fact]]:
    """Ask each contract what it is."""
    asked = list(contracts)
    if not asked:
        return {}
    calls: list[Call] = [call(contract, view) for contract in asked for view in _VIEWS]
    answers = iter((yield calls))
    words = zip(*[answers] * len(_VIEWS), strict=True)
    return {
        contract: Fact(*(uint(word) for word in each)) for contract, each in zip(asked, words, strict=True)
    }
