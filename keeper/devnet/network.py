"""The whole devnet: Anvil, an Aave market, Uniswap v3, borrowers and an arbitrageur."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from keeper.devnet import aave_v2, aave_v30, aave_v36
from keeper.devnet.aave_market import Market
from keeper.devnet.actors import Actors
from keeper.devnet.anvil import Anvil
from keeper.devnet.arbitrage import Arbitrageur
from keeper.devnet.borrowers import DEFAULT_MIX, Borrower, Mix, make_borrowers
from keeper.devnet.dialect import Version
from keeper.devnet.node import Node
from keeper.devnet.positions import open_positions
from keeper.devnet.uniswap_v3 import Exchange, deploy_uniswap_v3
from keeper.devnet.view import MarketView
from keeper.types import Address

Progress = Callable[[str, int, int], None]
"""Called with a stage ("anvil", "market", "exchange", "arbitrageur", "borrowers"), how much of it is done,
and of how much."""


_DEPLOYERS: Mapping[Version, Callable[[Node, Address], Awaitable[Market]]] = {
    Version.V2: aave_v2.deploy,
    Version.V30: aave_v30.deploy,
    Version.V36: aave_v36.deploy,
}


class NetworkOptions(NamedTuple):
    """What is on the chain.

    `depth_percent` scales the exchange's liquidity; `lag` is how many blocks the arbitrageur is late.
    """

    borrowers: int = 50
    seed: int = 1
    mix: Mix = DEFAULT_MIX
    depth_percent: int = 100
    lag: int = 0
    version: Version = Version.V36


@dataclass(frozen=True, slots=True)
class Network:
    """A running devnet. Its Anvil, and all on it, is gone when the block of `start` ends.

    The arbitrageur acts when asked (`arbitrageur.act()`), or by itself while `arbitrageur.follow()` runs.
    """

    anvil: Anvil
    node: Node
    market: Market
    exchange: Exchange
    arbitrageur: Arbitrageur
    actors: Actors
    borrowers: tuple[Borrower, ...]

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        version: Version | str = Version.V36,
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

        `order` is how waiting transactions come into a block: "fees", or "fifo".

        `version` is Aave's: "v3.6", "v3.0.2" or "v2".

        `block_time` in seconds holds once everything is up (None: a block per transaction).

        Raises:
            ConfigError: the packages, Node.js or the compiled contracts are missing.
            Unreachable: Anvil did not start.
            DevnetError: a step reverted.
            ValueError: there is no such version.
        """
        options = NetworkOptions(borrowers, seed, mix, depth_percent, lag, Version(version))
        progress("anvil", 0, 1)
        async with Anvil.start(port=port, fork_url=fork_url, order=order) as anvil, Node(anvil.http) as node:
            progress("anvil", 1, 1)
            network = await _build(anvil, node, options, progress)
            if block_time is not None:
                # Only now: a block in the middle of the set-up would make its result depend on the clock.
                await node.request("evm_setIntervalMining", block_time)
            yield network


async def _build(anvil: Anvil, node: Node, options: NetworkOptions, progress: Progress) -> Network:
    owner = (await node.accounts())[0]
    progress("market", 0, 1)
    market = await _DEPLOYERS[options.version](node, owner)
    progress("market", 1, 1)
    view = MarketView(node, market)
    progress("exchange", 0, 1)
    exchange = await deploy_uniswap_v3(node, owner, await view.tokens(), depth_percent=options.depth_percent)
    progress("exchange", 1, 1)
    borrowers = make_borrowers(await view.terms(), options.borrowers, options.seed, options.mix)
    await open_positions(node, market, borrowers, lambda done, total: progress("borrowers", done, total))
    progress("arbitrageur", 0, 1)
    # Interest runs already: a second more or less would show in every amount that a seed leads to.
    await node.request("anvil_setBlockTimestampInterval", 1)
    try:
        arbitrageur = await Arbitrageur.deploy(node, owner, exchange, view.tokens, lag=options.lag)
    finally:
        await node.request("anvil_removeBlockTimestampInterval")
    progress("arbitrageur", 1, 1)
    return Network(anvil, node, market, exchange, arbitrageur, Actors(node, market), borrowers)
