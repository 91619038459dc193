"""Liquidations predicted for the block they are mined in, then carried out: every amount is exact."""

import pytest

from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from tests.differential import following
from tests.liquidation_trials import Scenario, play, prepare

VOLATILE = ("WETH", "wstETH", "WBTC", "LINK", "GOLD")
MIX = Mix(suppliers=2, emode=30, isolated=14, dust=25, whales=5, near_limit=80)
PLAIN = frozenset({"all", "fee", "capped", "aTokens", "MustNotLeaveDust", "InvalidBurnAmount"})
SCENARIOS = {
    "mild": Scenario(31, dict.fromkeys(VOLATILE, 10), PLAIN),
    "steep": Scenario(32, dict.fromkeys(VOLATILE, 19), PLAIN | {"isolated", "same asset"}, 86_400),
    "deep": Scenario(33, dict.fromkeys(VOLATILE, 60), PLAIN | {"bad debt", "isolated"}, 3600),
    "correlated": Scenario(34, {"wstETH": 12, "USDC": 8, "DAI": -3}, PLAIN | {"eMode"}, 90 * 86_400),
    "thin": Scenario(35, dict.fromkeys(VOLATILE, 25), PLAIN | {"InsufficientLiquidity"}, thin=True),
    "restricted": Scenario(
        36,
        dict.fromkeys(VOLATILE, 30),
        frozenset({"all", "bad debt", "ReservePaused", "LiquidationGraceSentinelCheckFailed"}),
        restricted=True,
    ),
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_liquidation__predicted_for_the_block_it_is_mined_in__is_what_the_contract_does(
    name: str,
) -> None:
    scenario = SCENARIOS[name]
    async with Network.start(borrowers=60, seed=scenario.seed, mix=MIX) as network:
        await prepare(network, scenario)
        async with following(network.anvil, network.market) as follows:
            counts = await play(network, follows, scenario)
    assert scenario.shows <= {*counts.carried_out, *counts.refused}
