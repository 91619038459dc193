"""The whole devnet: Anvil, lending protocols, Uniswap v3, borrowers and an arbitrageur."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from keeper.devnet.aave.deployer import Aave
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import Market
from keeper.devnet.aave.specs import DEFAULT_RESERVES, ReserveSpec
from keeper.devnet.actors import Actors
from keeper.devnet.anvil import Anvil
from keeper.devnet.borrowers import DEFAULT_MIX, Borrower, Mix
from keeper.devnet.deployment import PROTOCOLS, Crowd, Deployment
from keeper.devnet.exchange.arbitrage import Arbitrageur, PriceReader
from keeper.devnet.exchange.uniswap_v3 import Exchange, deploy_uniswap_v3
from keeper.devnet.ground import Ground
from keeper.devnet.morpho.blue import MorphoBlue
from keeper.devnet.node import Node
from keeper.devnet.prices import Prices
from keeper.devnet.venus.deployer import Venus
from keeper.types import Address

Progress = Callable[[str, int, int], None]
"""Called with a stage ("anvil", a protocol, "exchange", "arbitrageur", "borrowers"), how much of it is
done, and of how much."""

_Kind = TypeVar("_Kind", Aave, MorphoBlue, Venus)


class NetworkOptions(NamedTuple):
    """What is on the chain.

    `depth_percent` scales the exchange's liquidity; `lag` is how many blocks the arbitrageur is late.
    """

    protocols: tuple[str, ...]
    crowd: Crowd
    depth_percent: int = 100
    lag: int = 0


@dataclass(frozen=True, slots=True)
class Network:
    """A running devnet. Its Anvil, and all on it, is gone when the block of `start` ends.

    The arbitrageur acts when asked (`arbitrageur.act()`), or by itself while `arbitrageur.follow()` runs.
    """

    anvil: Anvil
    node: Node
    deployments: tuple[Deployment, ...]
    prices: Prices
    exchange: Exchange
    arbitrageur: Arbitrageur

    @property
    def aave(self) -> Aave:
        """The first Aave; LookupError where there is none, as with the others."""
        return self._first(Aave)

    @property
    def morpho(self) -> MorphoBlue:
        """Morpho Blue."""
        return self._first(MorphoBlue)

    @property
    def venus(self) -> Venus:
        """Venus."""
        return self._first(Venus)

    @property
    def market(self) -> Market:
        """The first Aave's market."""
        return self.aave.market

    @property
    def actors(self) -> Actors:
        """Anyone on the first Aave."""
        return self.aave.actors

    @property
    def borrowers(self) -> tuple[Borrower, ...]:
        """The first Aave's borrowers."""
        return self.aave.borrowers

    def _first(self, kind: type[_Kind]) -> _Kind:
        for deployment in self.deployments:
            if isinstance(deployment, kind):
                return deployment
        raise LookupError(f"no {kind.__name__} on this devnet")

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        version: Version | str = Version.V36,
        protocols: Sequence[str] = (),
        borrowers: int = 50,
        seed: int = 1,
        mix: Mix = DEFAULT_MIX,
        depth_percent: int = 100,
        lag: int = 0,
        block_time: int | None = None,
        fork_url: str | None = None,
        port: int = 0,
        order: str = "fees",
        progress: Progress = lambda *_: None,
    ) -> AsyncIterator["Network"]:
        """Bring everything up; see NetworkOptions. `fork_url` puts it on a fork of that chain.

        `protocols` are from PROTOCOLS, each with so many borrowers. Without any it is Aave alone, of
        `version`: "v3.6", "v3.0.2" or "v2".

        `order` is how waiting transactions come into a block: "fees", or "fifo".

        `block_time` in seconds holds once everything is up (None: a block per transaction).

        Raises:
            ConfigError: the packages, Node.js or the compiled contracts are missing.
            Unreachable: Anvil did not start.
            DevnetError: a step reverted.
            ValueError: there is no such protocol or version, or one is named twice.
        """
        wanted = _checked(protocols or [f"aave-{Version(version)}"])
        options = NetworkOptions(wanted, Crowd(borrowers, seed, mix), depth_percent, lag)
        progress("anvil", 0, 1)
        async with Anvil.start(port=port, fork_url=fork_url, order=order) as anvil, Node(anvil.http) as node:
            progress("anvil", 1, 1)
            network = await _build(anvil, node, options, progress)
            if block_time is not None:
                # Only now: a block in the middle of the set-up would make its result depend on the clock.
                await node.request("evm_setIntervalMining", block_time)
            yield network


def _checked(protocols: Sequence[str]) -> tuple[str, ...]:
    for name in protocols:
        if name not in PROTOCOLS:
            raise ValueError(f"{name!r} is not on the devnet: there are {', '.join(PROTOCOLS)}")
    if len(set(protocols)) < len(protocols):
        raise ValueError("a protocol is named twice")
    return tuple(protocols)


async def _build(anvil: Anvil, node: Node, options: NetworkOptions, progress: Progress) -> Network:
    owner = (await node.accounts())[0]
    ground = Ground.bare(node, owner)
    deployments = []
    for name in options.protocols:
        progress(name, 0, 1)
        deployments.append(await _deploy(name, node, owner, ground))
        progress(name, 1, 1)
    prices = _prices(ground, deployments)
    progress("exchange", 0, 1)
    exchange = await deploy_uniswap_v3(
        node, owner, await prices.tokens(), depth_percent=options.depth_percent
    )
    progress("exchange", 1, 1)
    for deployment in deployments:
        await deployment.populate(options.crowd, lambda done, total: progress("borrowers", done, total))
    progress("arbitrageur", 0, 1)
    # Interest runs already: a second more or less would show in every amount that a seed leads to.
    await node.request("anvil_setBlockTimestampInterval", 1)
    try:
        arbitrageur = await Arbitrageur.deploy(
            node, owner, exchange, _reader(prices, deployments), lag=options.lag
        )
    finally:
        await node.request("anvil_removeBlockTimestampInterval")
    progress("arbitrageur", 1, 1)
    return Network(anvil, node, tuple(deployments), prices, exchange, arbitrageur)


async def _deploy(name: str, node: Node, owner: Address, ground: Ground) -> Deployment:
    if name == "morpho-blue":
        return await MorphoBlue.deploy(node, owner, ground)
    if name == "venus":
        return await Venus.deploy(node, owner, ground)
    return await Aave.deploy(node, owner, ground, Version(name.removeprefix("aave-")))


def _prices(ground: Ground, deployments: Sequence[Deployment]) -> Prices:
    aaves = [each for each in deployments if isinstance(each, Aave)]
    specs: list[ReserveSpec] = [*DEFAULT_RESERVES, *(spec for each in aaves for spec in each.specs)]
    own = [feeds for each in aaves if (feeds := each.own_feeds) is not None]
    return Prices.of(ground.tokens, specs, [ground.feeds, *own])


def _reader(prices: Prices, deployments: Sequence[Deployment]) -> PriceReader:
    """Where the arbitrageur reads prices: an Aave's oracle also knows of sources that its admins replace."""
    for deployment in deployments:
        if isinstance(deployment, Aave):
            return deployment.actors.view.tokens
    return prices.tokens
