"""Contracts that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.aave_v2.names import CONFIGURATOR, POOL, PRICE_ORACLE
from keeper.protocols.decode import topic, topic_address, word, word_address
from keeper.types import ZERO_ADDRESS, Address, Log

_WATCHED_NAMES = {POOL, CONFIGURATOR, PRICE_ORACLE}


def discovered(logs: Iterable[Log], known: frozenset[Address]) -> frozenset[Address]:
    """Addresses that known contracts, or ones found on the way, newly name in `logs`."""
    logs = [log for log in logs if log.topics and log.topics[0] in _NAMED]
    found: set[Address] = set()
    while True:
        fresh = {
            address
            for log in logs
            if log.address in known or log.address in found
            for address in _NAMED[log.topics[0]](log)
        }
        fresh -= known | found | {ZERO_ADDRESS}
        if not fresh:
            return frozenset(found)
        found |= fresh


def _proxy(log: Log) -> list[Address]:
    return [topic_address(log, 1)] if log.data[:66] in _WATCHED_NAMES else []


def _address(log: Log) -> list[Address]:
    """With a proxy the address is an implementation's, which emits nothing."""
    return [] if word(log, 1) else _proxy(log)


def _oracle(log: Log) -> list[Address]:
    return [topic_address(log, 1)]


def _tokens(log: Log) -> list[Address]:
    return [topic_address(log, 2), word_address(log, 0), word_address(log, 1)]


def _source(log: Log) -> list[Address]:
    return [topic_address(log, 2)]


_NAMED = {
    topic("ProxyCreated(bytes32,address)"): _proxy,
    topic("AddressSet(bytes32,address,bool)"): _address,
    topic("PriceOracleUpdated(address)"): _oracle,
    topic("ReserveInitialized(address,address,address,address,address)"): _tokens,
    topic("AssetSourceUpdated(address,address)"): _source,
    topic("AggregatorConfirmed(address,address)"): _source,
}
