"""A transaction manager whose way to the chain is a relay, and what the relay's observer is told."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eth_account import Account
from eth_utils.address import to_checksum_address

from keeper.chain.builder import Builder
from keeper.chain.relay import RelayAnswer, RelayClient
from keeper.chain.reputation import ReputationKey
from keeper.config.relay import RelayMethod
from keeper.devnet.blocks import Parcel
from keeper.devnet.relay import LocalRelay
from keeper.execute.model import Change, Transaction
from keeper.execute.observe import Alarm, NoObserver
from keeper.execute.store import TransactionStore
from keeper.execute.txm import TransactionManager
from keeper.types import Call
from tests.execute_samples import sample_step
from tests.txm_world import COUNTER, GWEI, SELECTOR, World, running_world

RELAY_KEY = "0x" + "5e" * 32
DEADLINE = 5.0


@dataclass
class Watcher(NoObserver):
    """Notes what builders answer, and alarms."""

    answers: list[tuple[str, RelayAnswer]] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def on_relay(self, host: str, answer: RelayAnswer, reason: str = "") -> None:
        self.answers.append((host, answer))
        self.news.set()

    async def hears(self, answer: RelayAnswer, times: int = 1) -> None:
        """Wait until builders have answered so that often."""
        async with asyncio.timeout(DEADLINE):
            while [each for _, each in self.answers].count(answer) < times:
                self.news.clear()
                await self.news.wait()

    def on_alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)


@dataclass
class RelayWorld:
    """A world and the relay that builds its blocks."""

    world: World
    relay: LocalRelay
    route: RelayClient
    watcher: Watcher

    async def submit(self, number: int, blocks: int = 3) -> Transaction:
        until = (await self.world.line.block()).number + blocks
        return await self.world.manager.submit(
            f"intent {number}", [sample_step(number)], Call(COUNTER, SELECTOR), 60_000, None, until=until
        )

    async def mine(self) -> tuple[list[Parcel], list[Change]]:
        """The relay builds a block, the manager sees it."""
        parcels = await self.relay.mine()
        return parcels, await self.world.head()

    async def pass_by(self, blocks: int = 1) -> None:
        """Blocks of a builder that has heard of nothing; time passes as in the relay's own."""
        for _ in range(blocks):
            await self.world.node.request("anvil_dropAllTransactions")
            await self.world.mine()


def dead_url() -> str:
    """Where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def sign(key: str, nonce: int, to: str, *, gwei: int = 3, data: bytes = b"", value: int = 0) -> bytes:
    """Somebody's signed transaction."""
    fields: dict[str, Any] = {
        "type": 2,
        "chainId": 31337,
        "nonce": nonce,
        "to": to_checksum_address(to),
        "value": value,
        "data": data,
        "gas": 60_000,
        "maxFeePerGas": gwei * GWEI,
        "maxPriorityFeePerGas": GWEI,
    }
    return bytes(Account.sign_transaction(fields, key).raw_transaction)


@asynccontextmanager
async def relay_world(
    folder: Path,
    method: RelayMethod = RelayMethod.BUNDLE,
    *,
    urls: Sequence[str] | None = None,
    signed: bool = True,
    fall_back: bool = False,
) -> AsyncIterator[RelayWorld]:
    """A world whose manager sends through a relay; `urls` are the builders instead, with "" for the relay."""
    async with running_world(folder, order="fifo") as world, LocalRelay.start(world.node) as relay:
        key = ReputationKey(RELAY_KEY) if signed else None
        builders = [Builder(url or relay.url, key, deadline=DEADLINE) for url in urls or [""]]
        watcher = Watcher()
        async with RelayClient(builders, method, observer=watcher) as route:
            world.rules = replace(world.rules, fall_back=fall_back, forgets=method.forgets)
            store = TransactionStore(world.database, 31337, world.pen.address)
            world.manager = TransactionManager(
                world.line, world.line, world.pen, store, world.rules, private=route, observer=watcher
            )
            await world.manager.recover()
            yield RelayWorld(world, relay, route, watcher)
