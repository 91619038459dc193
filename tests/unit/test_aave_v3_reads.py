"""The conversations with a chain: opening a deployment, and refreshing at a head."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from keeper.errors import ConfigError
from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.base import Reads
from keeper.types import USD, ZERO_ADDRESS, Address, Call
from tests.aave_v3_world import (
    CONFIGURATOR,
    ORACLE,
    POOL,
    PROVIDER,
    World,
    a_token_of,
    address,
    feed_of,
    v_token_of,
)

SENTINEL, AGGREGATOR = address(0x5E4), address(0xA66)


class Answers:
    """What contracts answer, by callee and function; everything else reverts."""

    def __init__(self) -> None:
        self.known: dict[tuple[Address, bytes], bytes] = {}
        self.asked: list[Call] = []

    def set(self, to: Address, function: str, *words: int | str) -> None:
        values = [word if isinstance(word, int) else int(word, 16) for word in words]
        self.known[to, keccak(text=function)[:4]] = b"".join(value.to_bytes(32, "big") for value in values)

    def revert(self, to: Address, function: str) -> None:
        del self.known[to, keccak(text=function)[:4]]

    def drive(self, reads: Reads[Any]) -> Any:
        """Hold a conversation to its end and return what it learned."""
        results: Any = None  # what starts a generator
        while True:
            try:
                calls = reads.send(results)
            except StopIteration as end:
                return end.value
            self.asked += calls
            results = [self.known.get((call.to, call.data[:4])) for call in calls]


def answers_of(asset: Address) -> Answers:
    """A v3.6 deployment with one reserve, priced at $3 by a proxy with an aggregator behind it."""
    answers = Answers()
    answers.set(PROVIDER, "getPool()", POOL)
    answers.set(PROVIDER, "getPoolConfigurator()", CONFIGURATOR)
    answers.set(PROVIDER, "getPriceOracle()", ORACLE)
    answers.set(PROVIDER, "getPriceOracleSentinel()", ZERO_ADDRESS)
    answers.set(POOL, "POOL_REVISION()", 10)
    answers.set(CONFIGURATOR, "CONFIGURATOR_REVISION()", 7)
    answers.set(ORACLE, "BASE_CURRENCY()", 0)
    answers.set(ORACLE, "BASE_CURRENCY_UNIT()", USD)
    answers.set(POOL, "getReservesList()", 32, 1, asset)
    answers.set(POOL, "getReserveAToken(address)", a_token_of(asset))
    answers.set(POOL, "getReserveVariableDebtToken(address)", v_token_of(asset))
    answers.set(ORACLE, "getSourceOfAsset(address)", feed_of(asset))
    answers.set(a_token_of(asset), "ATOKEN_REVISION()", 5)
    answers.set(v_token_of(asset), "DEBT_TOKEN_REVISION()", 5)
    answers.set(feed_of(asset), "aggregator()", AGGREGATOR)
    answers.set(POOL, "FLASHLOAN_PREMIUM_TOTAL()", 5)
    answers.set(ORACLE, "getAssetsPrices(address[])", 32, 1, 3 * USD)
    answers.set(POOL, "getVirtualUnderlyingBalance(address)", 10**24)
    answers.set(asset, "symbol()", 32, 4, b"WETH".ljust(32, b"\0").hex())
    return answers


def open_market(answers: Answers, book: ColumnarBook | None = None) -> AaveV3Market:
    opening = AaveV3().open("core", {"addresses_provider": PROVIDER}, book or ColumnarBook())
    market = answers.drive(opening)
    assert isinstance(market, AaveV3Market)
    return market


def test_open__provider_only__finds_every_contract_and_the_premium() -> None:
    asset = address(0x10000)
    market = open_market(answers_of(asset))
    tokens = {a_token_of(asset), v_token_of(asset)}
    assert market.addresses() == {PROVIDER, POOL, CONFIGURATOR, ORACLE, AGGREGATOR} | tokens
    assert market.pool() == POOL
    assert market.flash_fee(10_000) == 5
    assert not market.assets(), "positions and reserves come from logs"


def test_open__restored_book__keeps_what_was_folded() -> None:
    world = World()
    asset = world.list()
    world.supply(address(1), asset, 7)
    market = open_market(answers_of(asset), world.book)
    assert [info.address for info in market.assets()] == [asset]
    assert AGGREGATOR in market.addresses()
    assert market.doubt is None


@pytest.mark.parametrize(
    ("to", "function", "word", "complaint"),
    [
        (PROVIDER, "getPool()", 0, "does not answer like a PoolAddressesProvider"),
        (POOL, "POOL_REVISION()", 11, r"has revision 11, this keeper knows 10 \(v3.6\)"),
        (CONFIGURATOR, "CONFIGURATOR_REVISION()", 8, "PoolConfigurator .* has revision 8"),
        (a_token_of(address(0x10000)), "ATOKEN_REVISION()", 4, "AToken .* has revision 4"),
        (ORACLE, "BASE_CURRENCY_UNIT()", 10**18, "does not quote in USD"),
    ],
)
def test_open__deployment_not_understood__is_a_configuration_error(
    to: Address, function: str, word: int, complaint: str
) -> None:
    answers = answers_of(address(0x10000))
    answers.set(to, function, word)
    with pytest.raises(ConfigError, match=complaint):
        open_market(answers)


def test_open__no_contract_at_the_address__is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="does not answer like a PoolAddressesProvider"):
        open_market(Answers())


def test_open__pool_without_a_revision__says_none() -> None:
    answers = answers_of(address(0x10000))
    answers.revert(POOL, "POOL_REVISION()")
    with pytest.raises(ConfigError, match="has revision None"):
        open_market(answers)


@pytest.mark.parametrize("settings", [{}, {"addresses_provider": "0x12"}])
def test_open__no_usable_setting__is_a_configuration_error(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="addresses_provider"):
        Answers().drive(AaveV3().open("core", settings, ColumnarBook()))


@pytest.fixture
def refreshed() -> tuple[World, Address, Answers]:
    world = World()
    asset = world.list(price=USD)
    return world, asset, answers_of(asset)


def test_refresh__price_read__wins_over_the_feeds(refreshed: tuple[World, Address, Answers]) -> None:
    world, asset, answers = refreshed
    answers.drive(world.market.refresh())
    (info,) = world.market.assets()
    assert (info.price, info.symbol) == (3 * USD, "WETH")
    world.answer(AGGREGATOR, 4 * USD)
    assert world.market.assets()[0].price == 4 * USD
    world.answer(feed_of(asset), 9 * USD)
    assert world.market.assets()[0].price == 4 * USD, "the aggregator speaks for the feed now"


def test_refresh__second_time__asks_only_for_what_changes(refreshed: tuple[World, Address, Answers]) -> None:
    world, _, answers = refreshed
    answers.drive(world.market.refresh())
    answers.asked.clear()
    answers.drive(world.market.refresh())
    assert len(answers.asked) == 3


def test_refresh__batch_of_prices_reverts__asks_one_by_one(refreshed: tuple[World, Address, Answers]) -> None:
    world, _, answers = refreshed
    answers.revert(ORACLE, "getAssetsPrices(address[])")
    answers.set(ORACLE, "getAssetPrice(address)", 8)
    answers.drive(world.market.refresh())
    assert world.market.assets()[0].price == 8
    answers.revert(ORACLE, "getAssetPrice(address)")
    answers.drive(world.market.refresh())
    assert world.market.assets()[0].price is None


def test_refresh__sentinel_configured__is_asked(refreshed: tuple[World, Address, Answers]) -> None:
    world, _, answers = refreshed
    world.emit(PROVIDER, "PriceOracleSentinelUpdated(address,address)", [ZERO_ADDRESS, SENTINEL])
    answers.set(SENTINEL, "isLiquidationAllowed()", 0)
    answers.drive(world.market.refresh())
    assert not world.market.frame(world.now).sentinel_allows
    answers.set(SENTINEL, "isLiquidationAllowed()", 1)
    answers.drive(world.market.refresh())
    assert world.market.frame(world.now).sentinel_allows
    world.emit(PROVIDER, "PriceOracleSentinelUpdated(address,address)", [SENTINEL, ZERO_ADDRESS])
    assert world.market.frame(world.now).sentinel_allows


def test_refresh__logs_list_no_reserve__says_that_start_block_is_too_late() -> None:
    with pytest.raises(ConfigError, match="start_block"):
        answers_of(address(0x10000)).drive(World().market.refresh())


def test_refresh__pool_lists_other_reserves__is_doubted(refreshed: tuple[World, Address, Answers]) -> None:
    world, asset, answers = refreshed
    answers.set(POOL, "getReservesList()", 32, 2, asset, address(5))
    answers.drive(world.market.refresh())
    assert "lists other reserves" in (world.market.doubt or "")


def test_refresh__old_token_with_bytes32_symbol__is_read(refreshed: tuple[World, Address, Answers]) -> None:
    world, asset, answers = refreshed
    answers.set(asset, "symbol()", b"MKR".ljust(32, b"\0").hex())
    answers.drive(world.market.refresh())
    assert world.market.assets()[0].symbol == "MKR"
