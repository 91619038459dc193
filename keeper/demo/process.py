"""The keeper as users run it: `keeper run --json` in a process of its own."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from keeper.errors import Degraded

STOP_SECONDS = 20.0
LINE_LIMIT = 2**22


class KeeperProcess:
    """A running daemon; `events` are the objects it prints."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    @asynccontextmanager
    async def start(cls, config: Path, mode: str) -> AsyncIterator["KeeperProcess"]:
        """Run the daemon for the length of the block; it is asked to stop at the end, then made to.

        Its log goes to a file beside `config`.
        """
        # The caller's own settings and keys must not leak into the devnet's daemon.
        env = {name: value for name, value in os.environ.items() if not name.startswith("KEEPER_")}
        log = config.with_suffix(".log")
        with log.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "keeper", "run", "--mode", mode, "--json", "--config", str(config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=file,
                limit=LINE_LIMIT,
                env=env,
            )
        running = cls(process, log)
        try:
            yield running
        finally:
            await running.stop()

    async def events(self) -> AsyncGenerator[dict[str, Any], None]:
        """Everything the daemon says until it ends.

        Raises:
            Degraded: it ended badly; the message has its last words.
        """
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            yield json.loads(line)
        if code := await self._process.wait():
            words = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:]
            raise Degraded(f"the keeper ended with code {code}: {' / '.join(words)}")

    async def stop(self) -> int:
        """Ask the daemon to stop and return its exit code; kill it when it does not listen."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._process.wait()
            finally:
                if self._process.returncode is None:
                    self._process.kill()
                    await self._process.wait()
        return self._process.returncode or 0
