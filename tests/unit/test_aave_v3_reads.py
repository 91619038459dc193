"""The conversations with a chain: opening a deployment, and refreshing at a head."""

import pytest

from keeper.errors import ConfigError
from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.types import USD, ZERO_ADDRESS, Address, BlockRef, Hash
from tests.aave_v3_world import (
    AGGREGATOR,
    CONFIGURATOR,
    ORACLE,
    POOL,
    PROVIDER,
    START,
    Answers,
    World,
    a_token_of,
    address,
    answers_of,
    feed_of,
    v_token_of,
)

SENTINEL = address(0x5E4)
HEAD = BlockRef(7, Hash("0x07"), Hash("0x06"), START, 0)


def open_market(answers: Answers, book: ColumnarBook | None = None) -> AaveV3Market:
    opening = AaveV3().open("core", {"addresses_provider": PROVIDER}, book or ColumnarBook())
    market = answers.drive(opening)
    assert isinstance(market, AaveV3Market)
    return market


def test_open__provider_only__finds_every_contract_and_the_premium() -> None:
    asset = address(0x10000)
    market = open_market(answers_of(asset))
    tokens = {a_token_of(asset), v_token_of(asset)}
    feeds = {feed_of(asset), AGGREGATOR}
    assert market.addresses() == {PROVIDER, POOL, CONFIGURATOR, ORACLE} | feeds | tokens
    assert market.venues() == {POOL}
    [lender] = market.flash_sources()
    assert (lender.lender, lender.fee(ZERO_ADDRESS, 10_000)) == (POOL, 5)
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


@pytest.mark.parametrize(
    ("to", "function"), [(POOL, "POOL_REVISION()"), (CONFIGURATOR, "CONFIGURATOR_REVISION()")]
)
def test_open__revision_not_known__is_watched_in_doubt(to: Address, function: str) -> None:
    answers = answers_of(address(0x10000))
    answers.set(to, function, 77)
    assert "has revision 77, which this keeper does not know" in (open_market(answers).doubt or "")


def test_open__restored_book_older_than_an_upgrade__keeps_its_release() -> None:
    world = World(revision=9)
    market = open_market(answers_of(world.list()), world.book)
    assert market.rules.release == "3.5"


def test_open__pool_without_a_revision__is_a_configuration_error() -> None:
    answers = answers_of(address(0x10000))
    answers.revert(POOL, "POOL_REVISION()")
    with pytest.raises(ConfigError, match="no Aave v3 pool"):
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
    answers.drive(world.market.refresh(HEAD))
    (info,) = world.market.assets()
    assert (info.price, info.symbol) == (3 * USD, "WETH")
    world.answer(AGGREGATOR, 4 * USD)
    assert world.market.assets()[0].price == 4 * USD
    world.answer(feed_of(asset), 9 * USD)
    assert world.market.assets()[0].price == 4 * USD, "the aggregator speaks for the feed now"


def test_refresh__second_time__asks_only_for_what_changes(refreshed: tuple[World, Address, Answers]) -> None:
    world, _, answers = refreshed
    answers.drive(world.market.refresh(HEAD))
    answers.asked.clear()
    answers.drive(world.market.refresh(HEAD))
    assert len(answers.asked) == 3


def test_refresh__batch_of_prices_reverts__asks_one_by_one(refreshed: tuple[World, Address, Answers]) -> None:
    world, _, answers = refreshed
    answers.revert(ORACLE, "getAssetsPrices(address[])")
    answers.set(ORACLE, "getAssetPrice(address)", 8)
    answers.drive(world.market.refresh(HEAD))
    assert world.market.assets()[0].price == 8
    answers.revert(ORACLE, "getAssetPrice(address)")
    answers.drive(world.market.refresh(HEAD))
    assert world.market.assets()[0].price is None


def test_refresh__sentinel_configured__is_asked(refreshed: tuple[World, Address, Answers]) -> None:
    world, _, answers = refreshed
    world.emit(PROVIDER, "PriceOracleSentinelUpdated(address,address)", [ZERO_ADDRESS, SENTINEL])
    answers.set(SENTINEL, "isLiquidationAllowed()", 0)
    answers.drive(world.market.refresh(HEAD))
    assert not world.market.frame(world.now).sentinel_allows
    answers.set(SENTINEL, "isLiquidationAllowed()", 1)
    answers.drive(world.market.refresh(HEAD))
    assert world.market.frame(world.now).sentinel_allows
    world.emit(PROVIDER, "PriceOracleSentinelUpdated(address,address)", [SENTINEL, ZERO_ADDRESS])
    assert world.market.frame(world.now).sentinel_allows


def test_refresh__logs_list_no_reserve__says_that_start_block_is_too_late() -> None:
    with pytest.raises(ConfigError, match="start_block"):
        answers_of(address(0x10000)).drive(World().market.refresh(HEAD))


def test_refresh__pool_lists_other_reserves__is_doubted(refreshed: tuple[World, Address, Answers]) -> None:
    world, asset, answers = refreshed
    answers.set(POOL, "getReservesList()", 32, 2, asset, address(5))
    answers.drive(world.market.refresh(HEAD))
    assert "lists other reserves" in (world.market.doubt or "")


def test_refresh__old_token_with_bytes32_symbol__is_read(refreshed: tuple[World, Address, Answers]) -> None:
    world, asset, answers = refreshed
    answers.set(asset, "symbol()", b"MKR".ljust(32, b"\0").hex())
    answers.drive(world.market.refresh(HEAD))
    assert world.market.assets()[0].symbol == "MKR"
