"""The conversation that finds a deployment's contracts from its LendingPoolAddressesProvider alone."""

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.aave_v2.facts import probe
from keeper.protocols.aave_v2.fold_oracle import set_ether
from keeper.protocols.aave_v2.fold_setup import set_release
from keeper.protocols.aave_v3.fold_setup import set_configurator, set_oracle, set_pool
from keeper.protocols.aave_v3.opening import start
from keeper.protocols.aave_v3.prices import learn_sources
from keeper.protocols.aave_v3.records import deployment
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.records import follow, replace
from keeper.types import WAD, ZERO_ADDRESS, Address, checksum

_TOKENS = (7, 8, 9)
"""Words of DataTypes.ReserveData: aToken, stable and variable debt token."""

PREMIUM = 9
"""LendingPool.FLASHLOAN_PREMIUM_TOTAL, bps."""


def open_deployment(name: str, provider: Address, book: Book) -> Reads[None]:
    """Discover the contracts as of now and watch them; the logs from the start block rebuild the rest.

    Raises:
        ConfigError: `provider` is no LendingPoolAddressesProvider of an Aave v2 pool, or the oracle does
            not quote in ether.
    """
    pool, configurator, oracle = yield from _contracts(name, provider)
    found = yield from probe([pool])
    if found[pool].pool is None:
        raise ConfigError(
            f"deployment {name!r}: {checksum(pool)} has no LENDINGPOOL_REVISION: no Aave v2 pool"
        )
    start(book, provider)
    set_pool(book, pool)
    set_configurator(book, configurator)
    if book.get(("release",)) is None:
        # A restored book is older than what was just read; its logs tell when that came about.
        set_release(book, found[pool].pool)
    set_oracle(book, oracle)
    if not (yield from learn_ether(book)):
        raise ConfigError(
            f"deployment {name!r}: the oracle {checksum(oracle)} does not quote in ether with 18 decimals, "
            "the only base currency supported"
        )
    yield from _follow_reserves(book, pool, oracle)
    (premium,) = yield [call(pool, "FLASHLOAN_PREMIUM_TOTAL()")]
    replace(book, ("premium",), decode.uint(premium) or PREMIUM)


def _contracts(name: str, provider: Address) -> Reads[tuple[Address, Address, Address]]:
    names = ("getLendingPool()", "getLendingPoolConfigurator()", "getPriceOracle()")
    results = yield [call(provider, function) for function in names]
    pool, configurator, oracle = (decode.address(result) or ZERO_ADDRESS for result in results)
    for function, address in zip(names, (pool, configurator, oracle), strict=True):
        if address == ZERO_ADDRESS:
            raise ConfigError(
                f"deployment {name!r}: addresses_provider {checksum(provider)} does not answer like a "
                f"LendingPoolAddressesProvider ({function} gave nothing): check the address and the chain"
            )
    return pool, configurator, oracle


def learn_ether(book: Book) -> Reads[bool]:
    """Find out which asset the oracle counts in, unless its logs said so; False if it is not ether."""
    oracle = deployment(book).oracle
    if book.get(("ether", oracle)) is None:
        views = ("WETH()", "BASE_CURRENCY()", "BASE_CURRENCY_UNIT()")
        weth, base, unit = yield [call(oracle, view) for view in views]
        asset = decode.address(weth) or (decode.address(base) if decode.uint(unit) == WAD else None)
        if asset is None:
            return False
        set_ether(book, oracle, asset)
    return True


def _follow_reserves(book: Book, pool: Address, oracle: Address) -> Reads[None]:
    """Watch the tokens and price sources of everything listed now, so that one pass over logs does."""
    (answer,) = yield [call(pool, "getReservesList()")]
    assets = decode.addresses(answer) or []
    if not assets:
        return
    results = yield [
        *(call(pool, "getReserveData(address)", asset) for asset in assets),
        *(call(oracle, "getSourceOfAsset(address)", asset) for asset in assets),
    ]
    tokens = [decode.address(data, place) for data in results[: len(assets)] for place in _TOKENS]
    follow(book, *(token for token in tokens if token))
    ether = book.get(("ether", oracle))
    sources = dict(zip(assets, map(decode.address, results[len(assets) :]), strict=True))
    yield from learn_sources(book, [each for asset, each in sources.items() if each and asset != ether])
