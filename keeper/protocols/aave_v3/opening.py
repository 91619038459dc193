"""The conversation that finds a deployment's contracts from its PoolAddressesProvider alone."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.aave_v3.fold_setup import set_configurator, set_oracle, set_pool, set_sentinel
from keeper.protocols.aave_v3.fold_upgrade import set_configurator_revision, set_release
from keeper.protocols.aave_v3.implementations import probe
from keeper.protocols.aave_v3.prices import learn_sources
from keeper.protocols.aave_v3.records import NOWHERE, Deployment, Role, watch
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.records import follow, replace
from keeper.types import USD, ZERO_ADDRESS, Address, checksum


class Listing(NamedTuple):
    """A reserve as the pool lists it at the head, and its price source."""

    asset: Address
    tokens: Sequence[Address]
    source: Address


def start(book: Book, provider: Address) -> None:
    """What is known before anything is read: the provider."""
    replace(book, ("deployment",), book.get(("deployment",)) or Deployment(provider))
    watch(book, provider, Role.PROVIDER)


def open_deployment(name: str, provider: Address, book: Book) -> Reads[None]:
    """Discover the contracts as of now and watch them.

    Positions are not read: the logs from the start block rebuild them, at whatever release they were
    made. A release this keeper does not know leaves the book in doubt.

    Raises:
        ConfigError: `provider` is no PoolAddressesProvider of an Aave v3 pool, or the oracle does not
            quote in USD.
    """
    pool, configurator, oracle, sentinel = yield from _contracts(name, provider)
    yield from _check_oracle(name, oracle)
    found = yield from probe([pool, configurator])
    if found[pool].pool is None:
        raise ConfigError(f"deployment {name!r}: {checksum(pool)} has no POOL_REVISION: no Aave v3 pool")
    start(book, provider)
    set_pool(book, pool)
    set_configurator(book, configurator)
    if book.get(("release",)) is None:
        # A restored book is older than what was just read; its logs tell when that came about.
        set_release(book, found[pool].pool)
        set_configurator_revision(book, found[configurator].configurator)
    set_oracle(book, oracle)
    set_sentinel(book, sentinel)
    listings = yield from _listings(pool, oracle)
    for listing in listings:
        follow(book, *(token for token in listing.tokens if token != ZERO_ADDRESS))
    yield from learn_sources(book, [listing.source for listing in listings])
    premium = yield [call(pool, "FLASHLOAN_PREMIUM_TOTAL()")]
    replace(book, ("premium",), decode.uint(premium[0]) or 0)


def _contracts(name: str, provider: Address) -> Reads[tuple[Address, Address, Address, Address]]:
    names = ("getPool()", "getPoolConfigurator()", "getPriceOracle()", "getPriceOracleSentinel()")
    results = yield [call(provider, function) for function in names]
    found = [decode.address(result) for result in results]
    pool, configurator, oracle, sentinel = (address or ZERO_ADDRESS for address in found)
    for function, address in zip(names, (pool, configurator, oracle), strict=False):
        if address == ZERO_ADDRESS:
            raise ConfigError(
                f"deployment {name!r}: addresses_provider {checksum(provider)} does not answer like a "
                f"PoolAddressesProvider ({function} gave nothing): check the address and the chain"
            )
    return pool, configurator, oracle, sentinel


def _check_oracle(name: str, oracle: Address) -> Reads[None]:
    currency, unit = yield [call(oracle, "BASE_CURRENCY()"), call(oracle, "BASE_CURRENCY_UNIT()")]
    if decode.address(currency) != ZERO_ADDRESS or decode.uint(unit) != USD:
        raise ConfigError(
            f"deployment {name!r}: the oracle {checksum(oracle)} does not quote in USD with 8 decimals, "
            "the only base currency supported"
        )


def _listings(pool: Address, oracle: Address) -> Reads[list[Listing]]:
    answer = yield [call(pool, "getReservesList()")]
    assets = decode.addresses(answer[0]) or []
    if not assets:
        return []
    results = yield [
        *(call(pool, "getReserveData(address)", asset) for asset in assets),
        *(call(oracle, "getSourceOfAsset(address)", asset) for asset in assets),
    ]
    found = zip(assets, results[: len(assets)], results[len(assets) :], strict=True)
    return [
        Listing(asset, [_token(data, word) for word in _TOKENS], decode.address(source) or NOWHERE)
        for asset, data, source in found
    ]


_TOKENS = (8, 9, 10)
"""Words of DataTypes.ReserveDataLegacy: aToken, stable and variable debt token, in every v3."""


def _token(data: bytes | None, word: int) -> Address:
    return decode.address(data, word) or ZERO_ADDRESS
