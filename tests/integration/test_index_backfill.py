"""A long history folded while further ranges load gives the same book as following block by block."""

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.aave.random.actions import RandomActions
from keeper.devnet.network import Network
from keeper.index.follower import Follower
from keeper.protocols.registry import ADAPTERS
from tests.differential import Following, book_state

SEED = 5
QUIET_BLOCKS = 400


async def test_backfill__of_a_long_history__equals_following() -> None:
    async with Network.start(borrowers=15, seed=SEED) as network:
        await network.node.mine(QUIET_BLOCKS)
        actions = RandomActions(network.actors, [each.address for each in network.borrowers], SEED)
        for _ in range(25):
            await actions.step()
        await network.node.mine(QUIET_BLOCKS)
        async with Pool([Rpc(network.anvil.http)], network.anvil.chain_id) as chain:
            followed = await _followed(chain, network, with_history=False)
            reached: list[int] = []
            filled = await _followed(chain, network, with_history=True, reached=reached)
            assert filled.follower.cursor == followed.follower.cursor
            assert book_state(filled) == book_state(followed)
            assert reached == sorted(set(reached))
            assert reached[-1] == filled.follower.cursor.number


async def _followed(
    chain: Pool, network: Network, *, with_history: bool, reached: list[int] | None = None
) -> Following:
    follower = Follower(
        chain,
        ADAPTERS["aave-v3"],
        "devnet",
        {"addresses_provider": network.market.provider},
        history=chain if with_history else None,
        progress=lambda block, _: None if reached is None else reached.append(block),
    )
    head = await chain.block("latest")
    await follower.start(head)
    await follower.follow(head)
    return Following(chain, follower)
