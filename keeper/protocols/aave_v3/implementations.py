"""Contracts behind proxies: which revision they are, read before the log that installs them is folded.

An implementation never changes, so its facts hold at every block and need no place in the book.
"""

from collections.abc import Container, Iterable
from typing import NamedTuple

from keeper.protocols.aave_v3.names import POOL, POOL_CONFIGURATOR
from keeper.protocols.base import Reads
from keeper.protocols.decode import call, topic, topic_address, uint
from keeper.types import ZERO_ADDRESS, Address, Call, Log


class Implementation(NamedTuple):
    """Revisions a contract gives itself; None where it has no such view."""

    pool: int | None = None
    configurator: int | None = None
    a_token: int | None = None
    v_token: int | None = None
    discounts: bool = False
    """A variable debt token with discounts: GHO on Ethereum before v3.4."""


_UPGRADED = topic("Upgraded(address)")
_PROXY_CREATED = topic("ProxyCreated(bytes32,address,address)")
_ADDRESS_SET = topic("AddressSet(bytes32,address,address)")


def named(logs: Iterable[Log], known: Container[Address]) -> list[Address]:
    """Contracts that `logs` make the code of a proxy (or of the pool itself), except the known ones."""
    found = dict.fromkeys(address for log in logs if log.topics for address in _named(log))
    return [address for address in found if address not in known and address != ZERO_ADDRESS]


def _named(log: Log) -> list[Address]:
    match log.topics:
        case (kind, _) if kind == _UPGRADED:
            return [topic_address(log, 1)]
        case (kind, name, _, _) if kind in {_PROXY_CREATED, _ADDRESS_SET}:
            return [topic_address(log, 3)] if name in {POOL, POOL_CONFIGURATOR} else []
        case _:
            return []


def probe(contracts: Iterable[Address]) -> Reads[dict[Address, Implementation]]:
    """Ask each contract (an implementation, or a proxy for what is behind it now) what it is."""
    asked = list(contracts)
    if not asked:
        return {}
    calls = [question for contract in asked for question in _questions(contract)]
    answers = iter((yield calls))
    facts = zip(*[answers] * len(_questions(ZERO_ADDRESS)), strict=True)
    return {contract: _fact(words) for contract, words in zip(asked, facts, strict=True)}


def _questions(contract: Address) -> list[Call]:
    return [
        call(contract, "POOL_REVISION()"),
        call(contract, "CONFIGURATOR_REVISION()"),
        call(contract, "ATOKEN_REVISION()"),
        call(contract, "DEBT_TOKEN_REVISION()"),
        call(contract, "getDiscountToken()"),
        # Since v3.4 GHO's debt token keeps this hook as a no-op; no other debt token has it.
        call(contract, "updateDiscountDistribution(address,address,uint256,uint256,uint256)", 0, 0, 0, 0, 0),
    ]


def _fact(answers: tuple[bytes | None, ...]) -> Implementation:
    pool, configurator, a_token, v_token, discount_token, hook = answers
    revision = uint(v_token)
    discounts = uint(discount_token) is not None
    if revision is not None and hook is not None and not discounts:
        revision -= 1  # that token is one revision ahead of all others of its release
    return Implementation(uint(pool), uint(configurator), uint(a_token), revision, discounts)
