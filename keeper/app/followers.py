"""From configured deployments to their indexes."""

from collections.abc import Callable
from functools import partial

from keeper.config.model import Config
from keeper.index.follower import Follower
from keeper.index.store import SnapshotStore
from keeper.ports import IndexedChain
from keeper.protocols.registry import ADAPTERS
from keeper.store import Database


def make_followers(
    config: Config, chain: IndexedChain, database: Database, progress: Callable[[str, int, int], None]
) -> list[Follower]:
    """One follower a deployment, in the order configured."""
    return [
        Follower(
            chain,
            ADAPTERS[deployment.protocol],
            deployment.name,
            deployment.settings,
            snapshots=SnapshotStore(database, deployment.name),
            start_block=deployment.start_block,
            progress=partial(progress, deployment.name),
            history=chain,
        )
        for deployment in config.deployment
    ]
