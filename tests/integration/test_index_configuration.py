"""Everything a market's administrators may change is followed from the logs, bit by bit."""

from typing import Any

from eth_abi.abi import encode

from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from tests.differential import BLOCK_SECONDS, Comparison, following

SEED = 51
RATES = encode(["uint16", "uint32", "uint32", "uint32"], [8000, 100, 500, 20_000])

CHANGES: tuple[tuple[Any, ...], ...] = (
    ("configureReserveAsCollateral", "WETH", 7000, 7900, 10_800),
    ("configureReserveAsCollateral", "LINK", 0, 7100, 10_700),
    ("setReserveBorrowing", "LINK", False),
    ("setReserveFlashLoaning", "LINK", False),
    ("setReserveFreeze", "USDT", True),
    ("setReserveLtvzero", "wstETH", True),
    ("setBorrowableInIsolation", "USDT", True),
    ("setSiloedBorrowing", "WBTC", False),
    ("setReservePause", "WBTC", True),
    ("setReservePause", "WBTC", False, 7200),
    ("setReservePause", "DAI", True),
    ("setReservePause", "DAI", False, 3600),
    ("disableLiquidationGracePeriod", "DAI"),
    ("setReserveFactor", "USDC", 2345),
    ("setReserveInterestRateData", "WETH", RATES),
    ("setBorrowCap", "USDC", 400_000_000),
    ("setSupplyCap", "WETH", 300_000),
    ("setLiquidationProtocolFee", "WBTC", 1234),
    ("setEModeCategory", 1, 9000, 9200, 10_200, "changed"),
    ("setEModeCategory", 3, 8500, 8800, 10_300, "new"),
    ("setAssetCollateralInEMode", "WBTC", 3, True),
    ("setAssetBorrowableInEMode", "LINK", 3, True),
    ("setAssetLtvzeroInEMode", "USDC", 2, True),
    ("setAssetCollateralInEMode", "DAI", 2, False),
    ("updateFlashloanPremium", 17),
    ("setReserveFreeze", "USDT", False),
    ("setReserveActive", "GOLD", False),
    ("dropReserve", "GOLD"),
)


async def test_index__administrators_change_everything__equals_the_contracts_after_each_change() -> None:
    async with (
        Network.start(borrowers=30, seed=SEED, mix=Mix(isolated=0)) as network,
        following(network.anvil, network.market) as follows,
    ):
        node, market = network.node, network.market
        await node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        comparison = Comparison(node, market, SEED)
        tokens = {reserve.symbol: reserve.token for reserve in market.reserves}
        for name, *arguments in CHANGES:
            given = [tokens.get(argument, argument) for argument in arguments]
            await node.send(market.configurator_tx(name, *given))
            mismatches = await comparison.everything(follows)
            assert [str(mismatch) for mismatch in mismatches] == [], (name, arguments)
