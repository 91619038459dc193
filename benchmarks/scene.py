"""A devnet and its market as the keeper follows it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from keeper.chain.rpc import Rpc
from keeper.devnet.borrowers import DEFAULT_MIX, Mix
from keeper.devnet.network import Network
from keeper.index.follower import Follower
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.types import BlockRef


class Scene(NamedTuple):
    """A running devnet, its market at the newest block, and a connection."""

    network: Network
    chain: Rpc
    market: AaveV3Market
    head: BlockRef


@asynccontextmanager
async def followed(
    borrowers: int, crash: dict[str, int] | None = None, mix: Mix = DEFAULT_MIX
) -> AsyncIterator[Scene]:
    """Start a devnet, let prices fall by the percents of `crash`, and follow its market to the head."""
    async with Network.start(borrowers=borrowers, mix=mix) as network, Rpc(network.anvil.http) as chain:
        await network.actors.crash(crash or {})
        await network.arbitrageur.act()
        head = await chain.block()
        follower = Follower(chain, AaveV3(), "devnet", {"addresses_provider": network.market.provider})
        await follower.start(head)
        await follower.follow(head)
        assert isinstance(follower.market, AaveV3Market)
        yield Scene(network, chain, follower.market, head)
