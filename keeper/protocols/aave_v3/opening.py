"""The conversation that finds a deployment's contracts from its PoolAddressesProvider alone."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.errors import ConfigError
from keeper.protocols.aave_v3 import decode
from keeper.protocols.aave_v3.decode import call
from keeper.protocols.aave_v3.fold_oracle import learn_aggregator
from keeper.protocols.aave_v3.fold_setup import set_configurator, set_oracle, set_pool, set_sentinel
from keeper.protocols.aave_v3.records import NOWHERE, Deployment, Role, follow, replace, watch
from keeper.protocols.aave_v3.releases import RULES
from keeper.protocols.aave_v3.rules import Rules
from keeper.protocols.base import Book, Reads
from keeper.types import USD, ZERO_ADDRESS, Address, checksum


class Listing(NamedTuple):
    """A reserve as the pool lists it at the head; empty addresses where it would not say."""

    asset: Address
    a_token: Address
    v_token: Address
    source: Address


def start(book: Book, provider: Address) -> None:
    """What is known before anything is read: the provider."""
    replace(book, ("deployment",), book.get(("deployment",)) or Deployment(provider))
    watch(book, provider, Role.PROVIDER)


def open_deployment(name: str, provider: Address, book: Book) -> Reads[Rules]:
    """Discover the contracts as of now, check that their release is known, and watch them.

    Positions are not read: the logs from the start block rebuild them.

    Raises:
        ConfigError: `provider` is no PoolAddressesProvider, or its pool's release is not supported.
    """
    pool, configurator, oracle, sentinel = yield from _contracts(name, provider)
    rules = yield from _rules(name, pool, configurator, oracle)
    start(book, provider)
    set_pool(book, pool)
    set_configurator(book, configurator)
    set_oracle(book, oracle)
    set_sentinel(book, sentinel)
    listings = yield from _listings(pool, oracle)
    yield from _check_tokens(name, listings, rules)
    for listing in listings:
        follow(book, listing.a_token, listing.v_token)
    yield from learn_feeds(book, [listing.source for listing in listings])
    premium = yield [call(pool, "FLASHLOAN_PREMIUM_TOTAL()")]
    replace(book, ("premium",), decode.uint(premium[0]) or 0)
    return rules


def learn_feeds(book: Book, sources: Sequence[Address]) -> Reads[None]:
    """Find out which price sources are proxies, and watch what announces their answers."""
    unique = sorted(set(sources) - {NOWHERE, ZERO_ADDRESS})
    if not unique:
        return
    results = yield [call(source, "aggregator()") for source in unique]
    for source, result in zip(unique, results, strict=True):
        aggregator = decode.address(result) or NOWHERE
        learn_aggregator(book, source, NOWHERE if aggregator == ZERO_ADDRESS else aggregator)
        follow(book, book.get(("aggregator", source)) or source)


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


def _rules(name: str, pool: Address, configurator: Address, oracle: Address) -> Reads[Rules]:
    results = yield [
        call(pool, "POOL_REVISION()"),
        call(configurator, "CONFIGURATOR_REVISION()"),
        call(oracle, "BASE_CURRENCY()"),
        call(oracle, "BASE_CURRENCY_UNIT()"),
    ]
    revision, configurator_revision = decode.uint(results[0]), decode.uint(results[1])
    rules = RULES.get(revision or 0)
    if rules is None:
        known = ", ".join(f"{number} (v{rules.release})" for number, rules in RULES.items())
        raise ConfigError(
            f"deployment {name!r}: the pool {checksum(pool)} has revision {revision}, "
            f"this keeper knows {known}"
        )
    _expect(name, "PoolConfigurator", configurator, configurator_revision, {rules.configurator_revision})
    if decode.address(results[2]) != ZERO_ADDRESS or decode.uint(results[3]) != USD:
        raise ConfigError(
            f"deployment {name!r}: the oracle {checksum(oracle)} does not quote in USD with 8 decimals, "
            "the only base currency supported"
        )
    return rules


def _listings(pool: Address, oracle: Address) -> Reads[list[Listing]]:
    answer = yield [call(pool, "getReservesList()")]
    assets = decode.addresses(answer[0]) or []
    if not assets:
        return []
    calls = [
        part
        for asset in assets
        for part in (
            call(pool, "getReserveAToken(address)", asset),
            call(pool, "getReserveVariableDebtToken(address)", asset),
            call(oracle, "getSourceOfAsset(address)", asset),
        )
    ]
    results = yield calls
    found = [decode.address(result) or NOWHERE for result in results]
    return [
        Listing(asset, *parts)
        for asset, parts in zip(assets, zip(*[iter(found)] * 3, strict=True), strict=True)
    ]


def _check_tokens(name: str, listings: Sequence[Listing], rules: Rules) -> Reads[None]:
    if not listings:
        return
    calls = [call(listing.a_token, "ATOKEN_REVISION()") for listing in listings]
    calls += [call(listing.v_token, "DEBT_TOKEN_REVISION()") for listing in listings]
    results = [decode.uint(result) for result in (yield calls)]
    for listing, a_revision, v_revision in zip(
        listings, results[: len(listings)], results[len(listings) :], strict=True
    ):
        _expect(name, "AToken", listing.a_token, a_revision, rules.a_token_revisions)
        _expect(name, "VariableDebtToken", listing.v_token, v_revision, rules.v_token_revisions)


def _expect(
    name: str, kind: str, contract: Address, found: int | None, known: frozenset[int] | set[int]
) -> None:
    if found not in known:
        expected = " or ".join(str(revision) for revision in sorted(known))
        raise ConfigError(
            f"deployment {name!r}: the {kind} {checksum(contract)} has revision {found}, "
            f"this pool's release has {expected}"
        )
