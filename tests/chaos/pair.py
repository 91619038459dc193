"""Two daemons with one key on one Postgres, each with its own way to the node, and how to lose one."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any

import tomlkit

from keeper.beside import beside
from keeper.demo.configure import Site
from keeper.devnet.faults.fault import Fault, Kind
from keeper.devnet.faults.proxy import FaultProxy
from keeper.devnet.network import Network
from keeper.store import Database
from keeper.store.lease import lease_state
from tests.chaos.daemon import Daemon

NAMES = ("a", "b")

PATIENCE = 30.0
"""Seconds for anything to come about."""


class Loss(StrEnum):
    """How the active process is lost."""

    HUNG = "hung"
    BLIND = "blind"
    KILLED = "killed"


class Keeper:
    """One of the two. `lame` while it cannot be expected to turn."""

    def __init__(self, name: str, config: Path, proxy: FaultProxy) -> None:
        self.name = name
        self.config = config
        self.proxy = proxy
        self.lame = False
        self.daemon: Daemon
        self._life = AsyncExitStack()

    async def start(self) -> None:
        self.daemon = await self._life.enter_async_context(Daemon.start(self.config, "--mode", "live"))

    async def end(self) -> None:
        """Gone for good, with what it leaves in the operating system."""
        self.daemon.kill()
        await self._life.aclose()

    def turned_for(self, block: int) -> bool:
        return any(event["block"] >= block for event in self.daemon.of("head")[-3:])

    def said(self) -> str:
        """Its last words."""
        log = self.daemon.log.read_text(encoding="utf-8")[-1000:]
        quiet = ("head", "rejected")
        told = [event for event in self.daemon.events if event["event"] not in quiet]
        return f"{self.name}, lame {self.lame}: {told[-6:]} {self.daemon.events[-1:]} {log}"

    async def lose(self, loss: Loss) -> None:
        """Now, in the middle of whatever it does."""
        self.lame = True
        if loss is Loss.KILLED:
            self.daemon.kill()
        elif loss is Loss.HUNG:
            self.daemon.process.send_signal(signal.SIGSTOP)
        else:
            self.proxy.set(Fault(Kind.DROP, seconds=PATIENCE), Fault(Kind.MUTE))

    async def mend(self, loss: Loss) -> None:
        """Bring it back: as a new process, or to find out what became of its lease."""
        if loss is Loss.KILLED:
            await self.end()
            await self.start()
        elif loss is Loss.HUNG:
            self.daemon.process.send_signal(signal.SIGCONT)
        else:
            self.proxy.clear()
        self.lame = False


class Pair:
    """Both, and the chain, which has a block every `seconds`."""

    def __init__(
        self, network: Network, site: Site, database: Database, keepers: list[Keeper], seconds: float
    ) -> None:
        self.network = network
        self.site = site
        self.database = database
        self.keepers = keepers
        self.seconds = seconds
        self.ticking = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def running(
        cls, network: Network, site: Site, url: str, *, seconds: float
    ) -> AsyncIterator["Pair"]:
        """Both started and turning; ended with the block."""
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(await Database.open(url))
            keepers = []
            for name in NAMES:
                proxy = await stack.enter_async_context(FaultProxy.start(network.anvil.http))
                keeper = Keeper(name, _configured(site, url, name, proxy, seconds=seconds), proxy)
                await keeper.start()
                stack.push_async_callback(keeper.end)
                keepers.append(keeper)
            yield cls(network, site, database, keepers, seconds)

    @asynccontextmanager
    async def blocks(self) -> AsyncIterator[None]:
        """Blocks come while this lasts."""
        async with beside(self._mine()):
            yield

    async def active(self) -> Keeper:
        """The one that signs."""
        async with asyncio.timeout(PATIENCE):
            while True:
                state = await lease_state(self.database, self.network.anvil.chain_id, self.site.operator)
                if state is not None and state.left > 0:
                    return next(keeper for keeper in self.keepers if keeper.name == state.holder)
                await asyncio.sleep(0.05)

    async def in_step(self) -> None:
        """Wait until all that live have turned for the newest block."""
        block = await self.network.node.block_number()
        await self.until(lambda: self._ready(block))

    async def until(self, what: Any) -> None:
        waited = time.monotonic() + PATIENCE
        while not what():
            for keeper in self.keepers:
                assert keeper.lame or keeper.daemon.alive, keeper.said()
            assert time.monotonic() < waited, [keeper.said() for keeper in self.keepers]
            await asyncio.sleep(0.02)

    def _ready(self, block: int) -> bool:
        return all(keeper.lame or keeper.turned_for(block) for keeper in self.keepers)

    async def _mine(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + self.seconds, time.monotonic())
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            async with self.ticking:
                await self.network.node.mine()


def _configured(site: Site, url: str, name: str, proxy: FaultProxy, *, seconds: float) -> Path:
    """The site's configuration for one of the two."""
    document = tomlkit.parse(site.config.read_text(encoding="utf-8")).unwrap()
    document["chain"] |= {"http": [proxy.http], "ws": [proxy.ws], "deadline_seconds": 2, "watch_seconds": 1}
    document["store"]["url"] = url
    document["signer"]["private_key_file"] = str(site.config.with_suffix(".key"))
    document["standby"] = {
        "enabled": True,
        "name": name,
        "lease_seconds": seconds * 0.9,
        "blind_seconds": seconds * 1.4,
    }
    file = site.config.with_name(f"keeper-{name}.toml")
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
    return file
