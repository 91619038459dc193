"""On an Anvil that forks another, and from block 0 with nothing but the provider: as exact as elsewhere."""

from dataclasses import replace

from keeper.devnet.aave.deployer import Aave
from keeper.devnet.aave.random.actions import RandomActions
from keeper.devnet.anvil import Anvil
from keeper.devnet.network import Network
from keeper.devnet.node import Node
from tests.differential import BLOCK_SECONDS, Comparison, book_state, following
from tests.liquidation_trials import Scenario, play, prepare
from tests.random_run import random_run

SEED = 41
ACTIONS = 60
CRASH = Scenario(SEED, dict.fromkeys(("WETH", "wstETH", "WBTC", "LINK", "GOLD"), 45), frozenset(), 3600)


async def test_fork__of_a_devnet_in_use__is_followed_across_the_fork_exactly() -> None:
    async with Network.start(borrowers=50, seed=SEED) as first:
        users = [borrower.address for borrower in first.borrowers[:25]]
        await first.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        stream = RandomActions(first.actors, users, SEED)
        for _ in range(ACTIONS):
            await stream.step()
        height = await first.node.block_number()
        async with Anvil.start(fork_url=first.anvil.http) as anvil, Node(anvil.http) as node:
            node.learn(*first.market.contracts.values())
            fork = replace(
                first, anvil=anvil, node=node, deployments=(Aave(node, first.market, first.borrowers),)
            )
            async with following(anvil, first.market, start_block=0) as follows:
                run = await random_run(follows, fork.actors, users, seed=SEED + 1, actions=ACTIONS)
                assert [str(mismatch) for mismatch in run.mismatches] == []
                assert run.succeeded.total() > ACTIONS // 2
                await prepare(fork, CRASH)
                counts = await play(fork, follows, CRASH)
                assert counts.carried_out["all"] > 50
                assert counts.refused.total() > 20
        assert await first.node.block_number() == height


async def test_index__from_block_zero_with_only_the_provider__finds_everything() -> None:
    async with (
        Network.start(borrowers=25, seed=SEED) as network,
        following(network.anvil, network.market, start_block=0) as zero,
        following(network.anvil, network.market) as known,
    ):
        assert book_state(zero) == book_state(known)
        comparison = Comparison(network.node, network.market, SEED)
        assert await comparison.everything(zero) == []
        assert comparison.accounts > 25
        assert comparison.reserves == len(network.market.reserves)
