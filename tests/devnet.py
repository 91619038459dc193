"""A devnet for a test: `async with running_market() as devnet`."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from keeper.devnet.aave import v36
from keeper.devnet.aave.market import Market
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.devnet.tokens import approve, mint
from keeper.types import Address


class Chain(NamedTuple):
    """An Anvil and a client of it."""

    anvil: Anvil
    node: Node


class Devnet(NamedTuple):
    """A chain with the default Aave market."""

    anvil: Anvil
    node: Node
    market: Market


@asynccontextmanager
async def running_chain(anvil: AbstractAsyncContextManager[Anvil] | None = None) -> AsyncIterator[Chain]:
    """An Anvil for the length of the block; `anvil` is an Anvil.start(…) with other than default options."""
    async with anvil or Anvil.start() as running, Node(running.http) as node:
        yield Chain(running, node)


@asynccontextmanager
async def frozen(anvil: Anvil) -> AsyncIterator[None]:
    """Nobody at home for the length of the block: not one thread of the node runs."""
    anvil.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(500):
            if _stopped(anvil.process.pid):
                break
            await asyncio.sleep(0.01)
        assert _stopped(anvil.process.pid)
        yield
    finally:
        anvil.process.send_signal(signal.SIGCONT)


def _stopped(process: int) -> bool:
    threads = [stat.read_text() for stat in Path(f"/proc/{process}/task").glob("*/stat")]
    return all(thread.rpartition(") ")[2].startswith("T") for thread in threads)


@asynccontextmanager
async def running_market(anvil: AbstractAsyncContextManager[Anvil] | None = None) -> AsyncIterator[Devnet]:
    """An Anvil with the default Aave market; takes about half a second when Aave is compiled already."""
    async with running_chain(anvil) as (running, node):
        admin = (await node.accounts())[0]
        yield Devnet(running, node, await v36.deploy(node, admin))


def numbered_account(number: int) -> Address:
    """An address of the devnet that nobody has a key for, nor needs one."""
    return Address(f"0x{0xACC << 140 | number:040x}")


async def enter(node: Node, market: Market, user: Address, symbol: str, amount: int) -> None:
    """Give `user` gas and `amount` of a token, and supply it."""
    await node.fund([user])
    token = market.reserve(symbol).token
    await node.send_many(
        [mint(token, user, amount), approve(token, user, market.pool), market.supply(user, symbol, amount)]
    )
