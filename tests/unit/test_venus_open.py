"""Opening a Venus deployment: everything is found from the comptroller alone."""

from collections.abc import Sequence

import pytest

from keeper.errors import ConfigError
from keeper.index.book import ColumnarBook
from keeper.protocols.registry import ADAPTERS
from keeper.protocols.venus.curve import UNKNOWN, Curve, Kind, read_curves
from keeper.protocols.venus.records import (
    Facts,
    deployment,
    facts_of,
)
from keeper.types import ZERO_ADDRESS
from tests.venus_chain import TWO_KINKS, Chain, opened, venus_chain
from tests.venus_world import (
    COMPTROLLER,
    LIQUIDATOR,
    NOW,
    ORACLE,
    VAI_CONTROLLER,
    World,
    address,
)


def test_open__from_the_comptroller_alone__finds_everything() -> None:
    vtoken, underlying, model = address(1), address(2), address(3)
    chain = venus_chain([vtoken], liquidator=LIQUIDATOR)
    chain.says(vtoken, "underlying()", int(underlying, 16))
    chain.says(vtoken, "interestRateModel()", int(model, 16))
    chain.says(vtoken, "totalSupply()", 0)
    chain.says(vtoken, "exchangeRateStored()", 77)
    chain.says(underlying, "decimals()", 6)
    chain.named(underlying, "USDC")
    chain.named(vtoken, "vUSDC")
    market = opened(chain)
    contracts = deployment(market.book)
    assert (contracts.oracle, contracts.liquidator) == (ORACLE, LIQUIDATOR)
    assert contracts.vai_controller == VAI_CONTROLLER
    assert facts_of(market.book, 0) == Facts(underlying, 6, "USDC", 77)
    assert market.addresses() >= {COMPTROLLER, ORACLE, LIQUIDATOR, VAI_CONTROLLER, vtoken, model}
    assert [(info.symbol, info.decimals, info.price) for info in market.assets()] == [("USDC", 6, None)]


def test_open__restored_book__leaves_a_market_it_does_not_know_to_the_head() -> None:
    chain, world = venus_chain([address(0xA000), address(0xA0FF)]), World()
    world.list()
    market = chain.converse(ADAPTERS["venus"].open("d", {"comptroller": COMPTROLLER}, world.book))
    assert facts_of(world.book, 1) is None
    assert address(0xA0FF) in market.addresses()


def test_open__coin_of_the_chain_and_seconds__are_told_apart() -> None:
    vtoken = address(1)
    chain = venus_chain([vtoken], liquidator=None)
    chain.named(vtoken, "cETH")
    chain.says(vtoken, "protocolSeizeShareMantissa()", 28 * 10**15)
    chain.says(vtoken, "accrualBlockTimestamp()", NOW)
    market = opened(chain, "compound-v2")
    assert facts_of(market.book, 0) == Facts(ZERO_ADDRESS, 18, "ETH", 0, 28 * 10**15, 1)


def test_open__no_comptroller__is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"oracle\(\) gave nothing"):
        opened(Chain())
    with pytest.raises(ConfigError, match="compound-v2"):
        opened(venus_chain([], liquidator=None))
    with pytest.raises(ConfigError, match="comptroller: '' is not an address"):
        Chain().converse(ADAPTERS["venus"].open("d", {}, ColumnarBook()))


@pytest.mark.parametrize(
    ("said", "curve"),
    [
        (
            (("baseRatePerBlock()", 1), ("multiplierPerBlock()", 2)),
            Curve(int(Kind.LINEAR), (1, 2)),
        ),
        (
            (
                ("baseRatePerTimestamp()", 1),
                ("multiplierPerTimestamp()", 2),
                ("jumpMultiplierPerTimestamp()", 3),
                ("kink()", 4),
            ),
            Curve(int(Kind.JUMP), (1, 2, 3, 4)),
        ),
        (TWO_KINKS, Curve(int(Kind.TWO_KINKS), (1, 2, 3, 4, -5, 6, 7, 8, 9))),
        (TWO_KINKS[1:], UNKNOWN),
        ((), UNKNOWN),
    ],
)
def test_curves__by_their_getters__are_recognised(said: Sequence[tuple[str, int]], curve: Curve) -> None:
    chain, model = Chain(), address(9)
    for name, value in said:
        chain.says(model, name, value)
    assert chain.converse(read_curves([model])) == {model: curve}
