"""Contracts that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.decode import topic, topic_address, word_address
from keeper.types import ZERO_ADDRESS, Address, Log

_LISTED = topic("MarketListed(address)")
_SECOND = frozenset(
    map(
        topic,
        (
            "NewPriceOracle(address,address)",
            "NewVAIController(address,address)",
            "NewLiquidatorContract(address,address)",
            "NewMarketInterestRateModel(address,address)",
        ),
    )
)
"""Events (old, new) of two addresses, unindexed."""


def discovered(logs: Iterable[Log], known: frozenset[Address]) -> frozenset[Address]:
    """Addresses that known contracts, or ones found on the way, newly name in `logs`."""
    naming = [log for log in logs if log.topics and (log.topics[0] == _LISTED or log.topics[0] in _SECOND)]
    found: set[Address] = set()
    while True:
        fresh = {_named(log) for log in naming if log.address in known or log.address in found}
        fresh -= known | found | {ZERO_ADDRESS}
        if not fresh:
            return frozenset(found)
        found |= fresh


def _named(log: Log) -> Address:
    if log.topics[0] == _LISTED:
        return topic_address(log, 1) if len(log.topics) > 1 else word_address(log, 0)
    return word_address(log, 1)
