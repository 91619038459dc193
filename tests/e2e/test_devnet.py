"""`keeper devnet up`: says where it is, works on a fork, overwrites only its own, ends cleanly."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.types import USD
from tests.e2e.world import DEADLINE, clean_environment, keeper

LATEST_ROUND = "0xfeaf968c"
"""latestRoundData(), whose second word is the answer."""


@asynccontextmanager
async def devnet(
    config: Path, *words: str
) -> AsyncIterator[tuple[dict[str, Any], asyncio.subprocess.Process]]:
    """A `devnet up --json` and what its first line says; told to stop at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "keeper", "devnet", "up", "--json", *words, "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(TMPDIR=str(config.parent)),
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            yield json.loads(await process.stdout.readline()), process
            process.send_signal(signal.SIGTERM)
            assert await process.stdout.read() == b""
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def mined(node: Node, transaction: str) -> None:
    """Wait for the block that the node makes of a transaction, a moment after it has taken it."""
    for _ in range(500):
        if await node.request("eth_getTransactionReceipt", transaction) is not None:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{transaction} is not mined")


async def moved_as_documented(announced: dict[str, Any]) -> None:
    """Set the price of WETH with the transaction that docs/devnet.md shows."""
    page = (Path(__file__).parents[2] / "docs" / "devnet.md").read_text(encoding="utf-8")
    [command] = re.findall(r"-d '(\{.*?\})'", page, re.DOTALL)
    async with Node(announced["rpc_http"]) as node:
        for feed in announced["feeds"]["WETH"]:
            document = json.loads(command.replace("FEED", feed))
            sent = await node.request(document["method"], *document["params"])
            await mined(node, sent)
            answer = await node.request("eth_call", {"to": feed, "data": LATEST_ROUND}, "latest")
            assert int(answer[66:130], 16) == 2_000 * USD


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_devnet_up__on_a_fork_of_a_first_chain__is_a_ready_market_on_that_chain(tmp_path: Path) -> None:
    folder = tmp_path / "devnet"
    folder.mkdir()
    config = folder / "keeper.toml"
    async with Anvil.start(chain_id=4242) as first, Node(first.http) as node:
        await node.mine(20)
        words = ("--borrowers", "6", "--fork-url", first.http)
        async with devnet(config, *words) as (announced, _):
            assert set(announced) >= {"rpc_http", "rpc_ws", "chain_id", "config", "deployments"}
            assert announced["chain_id"] == 4242
            assert announced["rpc_http"] != first.http
            assert announced["config"] == str(config)
            await moved_as_documented(announced)
            found = await keeper(config, "positions", "--json")
            checks = await keeper(config, "doctor", "--json")
        assert await node.block_number() == 20
    assert (found.code, found.err) == (0, "")
    assert len(found.json) >= 5
    assert min(position["block"] for position in found.json) > 20
    assert [check for check in checks.json["checks"] if not check["ok"]] == []
    assert names_in(folder) == ["keeper.db", "keeper.key", "keeper.toml"]


async def test_devnet_up__configuration_of_someone_else__is_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "keeper.toml"
    config.write_text('mode = "live"\n')
    result = await keeper(config, "devnet", "up", "--json", "--borrowers", "1")
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines() == [
        f"keeper: {config}: exists and is not a devnet's; name another file with --config"
    ]
    assert config.read_text() == 'mode = "live"\n'


async def test_devnet_up__key_without_configuration__is_left_alone(tmp_path: Path) -> None:
    key = tmp_path / "keeper.key"
    key.write_text("the only copy")
    result = await keeper(tmp_path / "keeper.toml", "devnet", "up", "--json", "--borrowers", "1")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"keeper: {key}: exists and is not a devnet's")
    assert key.read_text() == "the only copy"
