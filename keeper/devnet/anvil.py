"""One Anvil process: its own port, its own temporary HOME, gone when the block ends."""

import asyncio
import contextlib
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from keeper.devnet.node import Node
from keeper.devnet.packages import anvil_binary
from keeper.errors import ConfigError, Unreachable

_START_DEADLINE = 30.0
_END_DEADLINE = 5.0
_POLL = 0.02
_ATTEMPTS = 3
_LOG = "anvil.log"


class AnvilOptions(NamedTuple):
    """How an Anvil runs.

    `block_time` in seconds (None: a block per transaction); `fork_url` continues another chain from
    `fork_block`; `history` is how many past blocks can still be read. Anvil copies the whole state for
    each of those, so it is memory against depth: lower it for large books.
    `order` is how waiting transactions come into a block: "fees", or "fifo".
    """

    chain_id: int | None = None
    fork_url: str | None = None
    fork_block: int | None = None
    block_time: float | None = None
    no_mining: bool = False
    timestamp: int | None = None
    gas_limit: int = 30_000_000
    accounts: int = 10
    history: int = 1100
    order: str = "fees"

    def arguments(self) -> list[str]:
        """Command line of Anvil, without host and port."""
        chosen = {
            "--chain-id": 31337 if self.chain_id is None and self.fork_url is None else self.chain_id,
            "--fork-url": self.fork_url,
            "--fork-block-number": self.fork_block,
            "--block-time": self.block_time,
            "--timestamp": self.timestamp,
            "--gas-limit": self.gas_limit,
            "--accounts": self.accounts,
            "--prune-history": self.history,
            "--order": self.order,
        }
        arguments = [
            text for name, value in chosen.items() if value is not None for text in (name, str(value))
        ]
        arguments += ["--auto-impersonate", "--quiet", "--no-request-size-limit"]
        if self.no_mining:
            arguments.append("--no-mining")
        if self.fork_url is not None:
            arguments += ["--no-rate-limit", "--no-storage-caching"]
        return arguments


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running Anvil. `home` is its temporary HOME."""

    http: str
    ws: str
    chain_id: int
    home: Path
    process: asyncio.subprocess.Process

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        *,
        port: int = 0,
        chain_id: int | None = None,
        fork_url: str | None = None,
        fork_block: int | None = None,
        block_time: float | None = None,
        no_mining: bool = False,
        timestamp: int | None = None,
        gas_limit: int = 30_000_000,
        accounts: int = 10,
        history: int = 1100,
        order: str = "fees",
    ) -> AsyncIterator["Anvil"]:
        """Run Anvil for the length of the block; `port` 0 picks a free one. See AnvilOptions.

        Raises:
            ConfigError: Anvil is not installed, or the port is taken.
            Unreachable: it did not answer in time; the message has the end of its error output.
        """
        options = AnvilOptions(
            chain_id,
            fork_url,
            fork_block,
            block_time,
            no_mining,
            timestamp,
            gas_limit,
            accounts,
            history,
            order,
        )
        # Anvil leaves states in its HOME when killed, so each gets a folder that is deleted with it.
        with tempfile.TemporaryDirectory(prefix="keeper-anvil-", ignore_cleanup_errors=True) as folder:
            home = Path(folder)
            process, used = await _answering(options, home, port)
            try:
                async with Node(f"http://127.0.0.1:{used}") as node:
                    chain = int(await node.request("eth_chainId"), 16)
                yield cls(node.url, f"ws://127.0.0.1:{used}", chain, home, process)
            finally:
                await _end(process)


async def _answering(options: AnvilOptions, home: Path, port: int) -> tuple[asyncio.subprocess.Process, int]:
    """Start Anvil until it answers; a free port may be taken by another before Anvil binds it."""
    for _ in range(1 if port else _ATTEMPTS):
        used = _free_port(port)
        process = await _spawn(options, home, used)
        try:
            if await _answers(process, used):
                return process, used
        except BaseException:
            await _end(process)
            raise
        await _end(process)
    raise Unreachable(f"Anvil did not start: {_tail(home / _LOG)}")


async def _answers(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until the process serves requests; False when it has ended or took too long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_START_DEADLINE), Node(f"http://127.0.0.1:{port}") as node:
            while process.returncode is None:
                with contextlib.suppress(Unreachable):
                    await node.request("eth_chainId")
                    await asyncio.sleep(0)
                    return process.returncode is None
                await asyncio.sleep(_POLL)
    return False


async def _spawn(options: AnvilOptions, home: Path, port: int) -> asyncio.subprocess.Process:
    command = [str(anvil_binary()), "--host", "127.0.0.1", "--port", str(port), *options.arguments()]
    with _log_file(home) as log:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            env={"HOME": str(home)},
            cwd=home,
        )


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process to end, then insist; also when this very coroutine is cancelled."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_DEADLINE):
                await process.wait()
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _free_port(wanted: int) -> int:
    """`wanted`, or any port for 0, after a check that nobody listens there: another would answer for us."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise ConfigError(
                f"port {wanted} is taken: end what listens there, or name another; 0 picks a free one"
            ) from error
        return int(probe.getsockname()[1])


def _log_file(home: Path) -> BinaryIO:
    return (home / _LOG).open("wb")


def _tail(log: Path, size: int = 2000) -> str:
    return log.read_bytes()[-size:].decode(errors="replace").strip() or "it wrote no error"
