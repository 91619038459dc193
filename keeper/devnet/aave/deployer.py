"""Aave on a devnet, whichever version."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from keeper.devnet.aave import v2, v30, v36
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import Market
from keeper.devnet.aave.positions import open_positions
from keeper.devnet.aave.specs import DEFAULT_RESERVES, V2_RESERVES, V30_RESERVES, ReserveSpec
from keeper.devnet.actors import Actors
from keeper.devnet.borrowers import Borrower, make_borrowers
from keeper.devnet.deployment import Crowd
from keeper.devnet.feeds import Feeds
from keeper.devnet.ground import Ground
from keeper.devnet.node import Node
from keeper.types import Address, checksum


class _Deployer(Protocol):
    def __call__(self, node: Node, admin: Address, *, shared: Ground | None = None) -> Awaitable[Market]: ...


_DEPLOYERS: Mapping[Version, _Deployer] = {
    Version.V2: v2.deploy,
    Version.V30: v30.deploy,
    Version.V36: v36.deploy,
}

_RESERVES = {Version.V2: V2_RESERVES, Version.V30: V30_RESERVES, Version.V36: DEFAULT_RESERVES}


class Aave:
    """Implements `keeper.devnet.deployment.Deployment`. `borrowers` are who `populate` made."""

    def __init__(self, node: Node, market: Market, borrowers: tuple[Borrower, ...] = ()) -> None:
        self.market = market
        self.actors = Actors(node, market)
        self.borrowers = borrowers
        self.kind = f"aave-{market.version}"
        self.protocol = "aave-v2" if market.version is Version.V2 else "aave-v3"
        self.start_block = market.start_block
        self.settings = {"addresses_provider": market.provider}
        self.venues = (market.pool,)

    @classmethod
    async def deploy(cls, node: Node, owner: Address, ground: Ground, version: Version) -> "Aave":
        """The market with its default reserves, on tokens and feeds that `ground` has or gets."""
        return cls(node, await _DEPLOYERS[version](node, owner, shared=ground))

    @property
    def borrower_count(self) -> int:
        return len(self.borrowers)

    @property
    def specs(self) -> tuple[ReserveSpec, ...]:
        """The reserves as they were specified."""
        return _RESERVES[self.market.version]

    @property
    def own_feeds(self) -> Feeds | None:
        """Feeds that no other protocol reads, None where there are none."""
        return self.actors.feeds if self.market.dialect.ether else None

    def described(self) -> dict[str, Any]:
        return {
            "pool": checksum(self.market.pool),
            "oracle": checksum(self.market.oracle),
            "reserves": {
                reserve.symbol: {
                    "asset": checksum(reserve.token),
                    "decimals": reserve.decimals,
                    "aggregator": checksum(reserve.aggregator),
                }
                for reserve in self.market.reserves
            },
        }

    async def populate(self, crowd: Crowd, progress: Callable[[int, int], None]) -> None:
        node, market = self.actors.node, self.market
        terms = await self.actors.view.terms()
        self.borrowers = make_borrowers(terms, crowd.borrowers, crowd.seed, crowd.mix)
        await open_positions(node, market, self.borrowers, progress)
