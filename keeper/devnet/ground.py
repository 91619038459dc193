"""What lending protocols on a devnet are built on and share: tokens, and feeds of their prices."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.devnet.aave.specs import ReserveSpec
from keeper.devnet.feeds import EtherFeeds, Feeds
from keeper.devnet.node import Node
from keeper.devnet.tokens import token_contract
from keeper.types import Address


class Ground(NamedTuple):
    """Tokens by symbol, and feeds in USD; each protocol adds what it lacks."""

    tokens: dict[str, Address]
    feeds: Feeds

    @classmethod
    def bare(cls, node: Node, owner: Address) -> "Ground":
        """Nothing yet."""
        return cls({}, Feeds(node, owner))


async def lay(node: Node, owner: Address, specs: Sequence[ReserveSpec], shared: Ground | None) -> Ground:
    """The tokens and feeds of `specs`; what `shared` lacks of them is deployed and added to it.

    Raises:
        DevnetError: a deployment reverted.
    """
    shared = shared or Ground.bare(node, owner)
    tokens = await _tokens(node, owner, specs, shared)
    fresh = {spec.symbol: spec.price for spec in specs if spec.symbol not in shared.feeds}
    if fresh:
        await shared.feeds.create(fresh)
    return Ground(tokens, shared.feeds)


async def lay_in_ether(
    node: Node, owner: Address, specs: Sequence[ReserveSpec], shared: Ground | None
) -> Ground:
    """The same for a protocol that counts in ether: it shares tokens, but has feeds of its own."""
    tokens = await _tokens(node, owner, specs, shared or Ground.bare(node, owner))
    feeds = EtherFeeds(node, owner)
    await feeds.create({spec.symbol: spec.price for spec in specs})
    return Ground(tokens, feeds)


async def deploy_tokens(node: Node, owner: Address, specs: Sequence[ReserveSpec]) -> dict[str, Address]:
    """Deploy tokens that anyone may mint, in one block."""
    codes = [
        token_contract(silent=spec.silent).deploy_data(spec.name, spec.symbol, spec.decimals)
        for spec in specs
    ]
    deployed = await node.deploy(owner, *codes)
    return {spec.symbol: token for spec, token in zip(specs, deployed, strict=True)}


async def _tokens(
    node: Node, owner: Address, specs: Sequence[ReserveSpec], shared: Ground
) -> dict[str, Address]:
    fresh = [spec for spec in specs if spec.symbol not in shared.tokens]
    if fresh:
        shared.tokens.update(await deploy_tokens(node, owner, fresh))
    return {spec.symbol: shared.tokens[spec.symbol] for spec in specs}
