"""What every end-to-end test stands on: a devnet with a configuration, and `keeper` as users run it."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import tomlkit

from keeper.demo.configure import Site, configure
from keeper.devnet.network import Network

DEADLINE = 60.0
OPERATOR_SEED = 1
CRASH = {"WETH": 20, "wstETH": 20, "WBTC": 18, "LINK": 25}
"""Percents by which prices fall where a test needs liquidations."""


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without settings of whoever runs the tests."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KEEPER_")} | more


class Result(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output."""
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every object of a stream."""
        return [json.loads(line) for line in self.out.splitlines()]


async def keeper(config: Path, *words: str, **env: str) -> Result:
    """Run `keeper WORDS --config CONFIG` to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keeper", *words, "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=clean_environment(**env),
        cwd=config.parent,
    )
    try:
        async with asyncio.timeout(DEADLINE):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return Result(process.returncode, out.decode(), err.decode())


class Daemon:
    """A `keeper run --json` that a test talks to while it runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []

    @classmethod
    @asynccontextmanager
    async def running(cls, config: Path, *words: str) -> AsyncIterator[Self]:
        """Run for the length of the block; killed at its end if it still runs then."""
        with config.with_suffix(".err").open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "keeper", "run", "--json", *words, "--config", str(config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=2**24,
                env=clean_environment(),
                cwd=config.parent,
            )
        daemon = cls(process)
        try:
            yield daemon
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            await daemon.rest()

    async def event(self, name: str, **fields: Any) -> dict[str, Any]:
        """The next event of that name with these fields; those before it are remembered in `events`."""
        assert self._process.stdout is not None
        async with asyncio.timeout(DEADLINE):
            async for line in self._process.stdout:
                event = json.loads(line)
                self.events.append(event)
                if event["event"] == name and fields.items() <= event.items():
                    return dict(event)
        raise AssertionError(f"the keeper ended without {name} {fields}: {self.events[-3:]}")

    async def reaches(self, block: int) -> dict[str, Any]:
        """The first head event at or above `block`."""
        while True:
            head = await self.event("head")
            if head["block"] >= block:
                return head

    async def rest(self) -> None:
        """Read what it still had to say."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.events.append(json.loads(line))

    def send(self, number: signal.Signals) -> None:
        """Send a signal that does not end it."""
        self._process.send_signal(number)

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self._process.send_signal(number)
        async with asyncio.timeout(DEADLINE):
            await self.rest()
            return await self._process.wait()


@dataclass(frozen=True, slots=True)
class World:
    """A devnet and its ready configuration."""

    network: Network
    site: Site

    @classmethod
    @asynccontextmanager
    async def start(
        cls, folder: Path, *, borrowers: int, seed: int = 3, protocols: Sequence[str] = ()
    ) -> AsyncIterator[Self]:
        """Bring both up; the arbitrageur acts only when asked."""
        async with Network.start(borrowers=borrowers, seed=seed, protocols=protocols) as network:
            site = await configure(network, folder / "keeper.toml", seed=OPERATOR_SEED)
            yield cls(network, site)

    def config(self, folder: Path, changes: Mapping[str, Any] | None = None) -> Path:
        """A configuration like the site's in `folder`, with a store of its own.

        `changes` by dotted key ("swap.0.quoter"); None removes the key or the section.
        """
        folder.mkdir(exist_ok=True)
        document = tomlkit.parse(self.site.config.read_text(encoding="utf-8")).unwrap()
        key = self.site.config.with_suffix(".key")
        document["signer"]["private_key_file"] = str(key)
        for name, value in (changes or {}).items():
            change(document, name, value)
        file = folder / "keeper.toml"
        file.write_text(tomlkit.dumps(document), encoding="utf-8")
        return file

    async def crash(self, percents: Mapping[str, int] = CRASH) -> None:
        """Let prices fall, on the exchange too."""
        await self.network.actors.crash(percents)
        await self.network.arbitrageur.act()

    async def operator_nonce(self) -> int:
        """Transactions the operator has sent."""
        count = await self.network.node.request("eth_getTransactionCount", self.site.operator, "latest")
        return int(count, 16)


def change(document: Any, dotted: str, value: Any) -> None:
    """Set, or with None remove, one key of a parsed configuration."""
    *path, last = (int(part) if part.isdigit() else part for part in dotted.split("."))
    place = document
    for part in path:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
