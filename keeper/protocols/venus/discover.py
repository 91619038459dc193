"""Contracts that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.decode import topic, topic_address, word_address
from keeper.protocols.discovery import newly_named
from keeper.types import Address, Log

_REPLACED = (
    "NewPriceOracle(address,address)",
    "NewVAIController(address,address)",
    "NewLiquidatorContract(address,address)",
    "NewMarketInterestRateModel(address,address)",
)
"""Events (old, new) of two addresses, unindexed."""


def discovered(logs: Iterable[Log], known: frozenset[Address]) -> frozenset[Address]:
    """Addresses that known contracts, or ones found on the way, newly name in `logs`."""
    return newly_named(logs, known, _NAMED)


def _market(log: Log) -> list[Address]:
    return [topic_address(log, 1) if len(log.topics) > 1 else word_address(log, 0)]


def _new(log: Log) -> list[Address]:
    return [word_address(log, 1)]


_NAMED = {
    topic("MarketListed(address)"): _market,
    **{topic(signature): _new for signature in _REPLACED},
}
