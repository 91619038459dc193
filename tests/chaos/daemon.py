"""The real daemon and the real verbs as processes of their own."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

ANSWER = 60.0
"""Seconds for a verb or an event; four test processes may share one core."""

_LINE = 2**24


class Daemon:
    """One `keeper run --json`: `events` in the order printed."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.process = process
        self.log = log
        self.events: list[dict[str, Any]] = []
        self._more = asyncio.Condition()

    @classmethod
    @asynccontextmanager
    async def start(cls, config: Path, *options: str) -> AsyncIterator["Daemon"]:
        """Run until the block ends; SIGKILL is the way out, as it is the hardest."""
        log = config.with_suffix(".log")
        with log.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                *_command("run", config, *options), stdout=asyncio.subprocess.PIPE, stderr=stderr, limit=_LINE
            )
        daemon = cls(process, log)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(daemon._read(), name="events")
            try:
                yield daemon
            finally:
                daemon.kill()
                await process.wait()
                await reading

    def kill(self) -> None:
        """SIGKILL, now."""
        with suppress(ProcessLookupError):
            self.process.kill()

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(ANSWER):
            return await self.process.wait()

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    def rss(self) -> int:
        """Resident memory in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))

    def of(self, *names: str) -> list[dict[str, Any]]:
        """Events of these names so far."""
        return [event for event in self.events if event["event"] in names]

    async def head(self, at_least: int = 0) -> dict[str, Any]:
        """The first "head" event of such a block; fails when the daemon ends before, or takes too long."""

        def found() -> list[dict[str, Any]]:
            return [event for event in self.of("head") if event["block"] >= at_least]

        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER), self._more:
                await self._more.wait_for(lambda: found() or not self.alive)
        said = self.log.read_text(encoding="utf-8")[-2000:]
        assert found(), f"no head {at_least}; last events {self.events[-3:]}; log {said}"
        return found()[0]

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            # A killed process leaves half a line.
            if line.endswith(b"\n"):
                self.events.append(json.loads(line))
            async with self._more:
                self._more.notify_all()
        await self.process.wait()
        async with self._more:
            self._more.notify_all()


async def verb(config: Path, name: str, *options: str) -> Any:
    """What `keeper NAME --json` prints."""
    process = await asyncio.create_subprocess_exec(
        *_command(name, config, *options), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(ANSWER):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


def _command(name: str, config: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "keeper", name, "--json", "--config", str(config), *options]
