"""Contracts that a batch of logs brings into being, before the batch is folded."""

from collections.abc import Iterable

from keeper.protocols.aave_v2.names import CONFIGURATOR, POOL, PRICE_ORACLE
from keeper.protocols.decode import topic, topic_address, word, word_address
from keeper.protocols.discovery import newly_named
from keeper.types import Address, Log

_WATCHED_NAMES = {POOL, CONFIGURATOR, PRICE_ORACLE}


def discovered(logs: Iterable[Log], known: frozenset[Address]) -> frozenset[Address]:
    """Addresses that known contracts, or ones found on the way, newly name in `logs`."""
    return newly_named(logs, known, _NAMED)


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
