"""A read-only look at the configured deployments at one block: what the reporting verbs share."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from keeper.app.connect import connect
from keeper.app.followers import make_followers
from keeper.config.model import Config
from keeper.errors import ConfigError, Degraded
from keeper.ports import QuorumChain
from keeper.protocols.base import Market
from keeper.store import Database
from keeper.types import BlockRef

Progress = Callable[[str, int, int], None]
"""Told (deployment, block reached, block wanted) while logs are read."""


class View(NamedTuple):
    """Markets brought to `block`, and the chain they were read from."""

    config: Config
    chain: QuorumChain
    database: Database
    block: BlockRef
    markets: Sequence[Market]

    def frame(self, market: Market) -> Any:
        """The market's numbers exactly as its contracts see them at `block`."""
        return market.frame(self.block.timestamp)


@asynccontextmanager
async def open_view(
    config: Config, block: int | None, progress: Progress = lambda _name, _reached, _wanted: None
) -> AsyncIterator[View]:
    """Index every deployment up to `block` (None: the latest).

    Starts from the daemon's snapshots where there are some; writes none, so it never disturbs a
    running daemon.

    Raises:
        ConfigError: wrong addresses, or no such block. Transient: the chain cannot be reached.
    """
    async with connect(config) as chain, await Database.open(config.store.url.reveal()) as database:
        head = await _head(chain, block)
        followers = make_followers(config, chain, database, progress)
        for follower in followers:
            await follower.start(head)
            await follower.follow(head)
        yield View(config, chain, database, head, [follower.market for follower in followers])


async def _head(chain: QuorumChain, block: int | None) -> BlockRef:
    if block is None:
        return await chain.block("latest")
    try:
        return await chain.block(block)
    except Degraded:
        newest = (await chain.block("latest")).number
        raise ConfigError(f"--block {block}: no such block; the newest one is {newest}") from None
