"""Contracts that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.aave_v3.names import POOL, POOL_CONFIGURATOR, PRICE_ORACLE
from keeper.protocols.decode import topic, topic_address, word_address
from keeper.protocols.discovery import newly_named
from keeper.types import Address, Log

_PROXY_CREATED = topic("ProxyCreated(bytes32,address,address)")
_ADDRESS_SET = topic("AddressSet(bytes32,address,address)")
_ORACLE_UPDATED = topic("PriceOracleUpdated(address,address)")
_RESERVE_INITIALIZED = topic("ReserveInitialized(address,address,address,address,address)")
_SOURCE_UPDATED = topic("AssetSourceUpdated(address,address)")
_AGGREGATOR_CONFIRMED = topic("AggregatorConfirmed(address,address)")

_WATCHED_NAMES = {POOL, POOL_CONFIGURATOR, PRICE_ORACLE}


def discovered(logs: Iterable[Log], known: frozenset[Address]) -> frozenset[Address]:
    """Addresses that known contracts, or ones found on the way, newly name in `logs`."""
    return newly_named(logs, known, _NAMED)


def _proxy(log: Log) -> list[Address]:
    return [topic_address(log, 2)] if log.topics[1] in _WATCHED_NAMES else []


def _address(log: Log) -> list[Address]:
    return [topic_address(log, 3)] if log.topics[1] in _WATCHED_NAMES else []


def _oracle(log: Log) -> list[Address]:
    return [topic_address(log, 2)]


def _tokens(log: Log) -> list[Address]:
    return [topic_address(log, 2), word_address(log, 0), word_address(log, 1)]


def _source(log: Log) -> list[Address]:
    return [topic_address(log, 2)]


_NAMED = {
    _PROXY_CREATED: _proxy,
    _ADDRESS_SET: _address,
    _ORACLE_UPDATED: _oracle,
    _RESERVE_INITIALIZED: _tokens,
    _SOURCE_UPDATED: _source,
    _AGGREGATOR_CONFIRMED: _source,
}
