"""A comet whose feeds quote in ether: dollars by the configured oracle, or none."""

from collections.abc import Callable

import pytest
from eth_abi.abi import encode

from keeper.errors import ConfigError
from keeper.protocols.comet.dollars import Rate, check_oracle, read_dollars, supposing
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.records import set_principal
from keeper.risk.crossing import price_crossings
from keeper.types import USD, Address, Call
from tests.aave_v3_world import address
from tests.comet_world import ALICE, USDC, WBTC, WETH, World, drive

ORACLE = address(0x0A)
ETHER = 3000 * USD


def says(number: int) -> Callable[[Call], bytes]:
    """The oracle's answer to its one question."""

    def answer(call: Call) -> bytes:
        assert call.to == ORACLE
        return encode(["uint256"], [number])

    return answer


def unasked(call: Call) -> bytes:
    raise AssertionError(f"{call.to} was asked")


@pytest.fixture
def world() -> World:
    """Feeds in ether: the base token is ether itself, WETH here stands for a token worth 1.1 of it."""
    world = World()
    world.book.put(("unit",), "ETH")
    world.prices({USDC: USD, WETH: 11 * USD // 10, WBTC: 20 * USD})
    world.market = CometMarket("weth", world.book, ORACLE)
    return world


def priced(world: World) -> dict[Address, int | None]:
    drive(read_dollars(world.book, ORACLE), says(ETHER))
    return {info.address: info.price for info in world.market.assets()}


def test_assets__oracle_prices_the_base_token__all_are_in_dollars(world: World) -> None:
    prices = priced(world)
    assert (prices[USDC], prices[WETH], prices[WBTC]) == (ETHER, 3300 * USD, 60_000 * USD)


def test_assets__oracle_silent_or_not_configured__have_no_price(world: World) -> None:
    drive(read_dollars(world.book, ORACLE), says(0))
    assert {info.price for info in world.market.assets()} == {None}
    assert world.market.frame(world.now).rate is None
    priced(world)
    drive(read_dollars(world.book, None), unasked)
    assert {info.price for info in world.market.assets()} == {None}


def test_read_dollars__feeds_in_dollars__asks_nothing(world: World) -> None:
    world.book.put(("unit",), "USD")
    drive(read_dollars(world.book, ORACLE), unasked)
    assert world.book.get(("usd",)) is None
    assert world.market.frame(world.now).rate == Rate(1, 1)


@pytest.mark.parametrize(
    ("prices", "wbtc", "rate"),
    [
        ({}, 20 * USD, Rate(ETHER, USD)),
        ({WBTC: 45_000 * USD}, 15 * USD, Rate(ETHER, USD)),
        ({USDC: 2 * ETHER}, 10 * USD, Rate(2 * ETHER, USD)),
        ({USDC: 2 * ETHER, WBTC: 45_000 * USD}, 75 * USD // 10, Rate(2 * ETHER, USD)),
    ],
)
def test_supposing__prices_in_dollars__are_answers_in_ether(
    world: World, prices: dict[Address, int], wbtc: int, rate: Rate
) -> None:
    priced(world)
    answers, then = supposing(world.book, prices)
    assert (answers[0], answers[2], then) == (USD, wbtc, rate)


def test_supposing__price_of_next_to_nothing__is_still_an_answer(world: World) -> None:
    priced(world)
    assert supposing(world.book, {WBTC: 1})[0][2] == 1
    assert supposing(world.book, {WBTC: 0})[0][2] == 0
    assert supposing(world.book, {USDC: 10**30})[0][2] == 1


def test_crossings__with_an_oracle__are_prices_in_dollars(world: World) -> None:
    priced(world)
    world.deposit(ALICE, WBTC, 10**8)
    set_principal(world.book, ALICE, -10 * 10**6)
    found = price_crossings(world.market, ALICE, world.now)
    crossings = {each.asset.address: each for each in found}
    assert {address: each.falls for address, each in crossings.items()} == {WBTC: True, USDC: False}
    for token, each in crossings.items():
        there, before = each.price, each.price + (1 if each.falls else -1)
        healths = [
            world.market.health(ALICE, world.market.frame(world.now, {token: price}))
            for price in (there, before)
        ]
        assert [health.liquidatable for health in healths] == [True, False]
    # 10 base tokens of $3,000 against 1 WBTC that counts for 77 %.
    assert crossings[WBTC].price // USD == 30_000 * 100 // 77


def test_holdings__with_an_oracle__are_worth_dollars(world: World) -> None:
    priced(world)
    world.deposit(ALICE, WBTC, 5 * 10**7)
    (held,) = world.market.holdings(ALICE, world.market.frame(world.now))
    assert held.value == 30_000 * USD


def test_check_oracle__quotes_in_ether__is_a_configuration_error() -> None:
    drive(check_oracle("weth", ORACLE), says(USD))
    with pytest.raises(ConfigError, match="does not quote in USD"):
        drive(check_oracle("weth", ORACLE), says(10**18))
