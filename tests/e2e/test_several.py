"""One daemon, one key, three protocols of a chain at once; one of them breaks, the others go on."""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

from keeper.types import Address
from tests.e2e.world import Daemon, World

PROTOCOLS = ("aave-v3.6", "morpho-blue", "venus")
HEALTHY = ("aave-devnet", "morpho-blue-devnet")
BROKEN = "venus-devnet"
PATIENCE = 12


async def code_of(world: World, address: Address) -> str:
    return str(await world.network.node.request("eth_getCode", address, "latest"))


def outcomes(daemon: Daemon) -> list[dict[str, Any]]:
    """What became of everything that was sent."""
    return [event for event in daemon.events if event["event"] == "outcome"]


def successes(daemon: Daemon) -> Counter[str]:
    """Liquidations that went through, by deployment."""
    return Counter(event["deployment"] for event in outcomes(daemon) if event["outcome"] == "success")


async def until_quiet(world: World, daemon: Daemon) -> None:
    """Mine until three heads in a row brought no outcome; plans that fail the last look are none."""
    quiet = 0
    for _ in range(PATIENCE):
        seen = len(outcomes(daemon))
        await world.network.node.mine()
        await daemon.reaches(await world.network.node.block_number())
        quiet = quiet + 1 if len(outcomes(daemon)) == seen else 0
        if quiet == 3:
            return
    raise AssertionError(f"the keeper never got quiet: {daemon.events[-5:]}")


async def test_run_live__three_protocols_one_broken__others_liquidate_and_it_comes_back(
    tmp_path: Path,
) -> None:
    async with World.start(tmp_path, borrowers=10, seed=4, protocols=PROTOCOLS) as world:
        config, node = world.site.config, world.network.node
        comptroller = world.network.venus.core.comptroller
        before = await world.operator_nonce()
        async with Daemon.running(config, "--mode", "live") as daemon:
            await daemon.event("head")
            code = await code_of(world, comptroller)
            await node.request("anvil_setCode", comptroller, "0x")
            await world.crash()
            await until_quiet(world, daemon)
            without = successes(daemon)
            assert set(without) == set(HEALTHY)

            await node.request("anvil_setCode", comptroller, code)
            await until_quiet(world, daemon)
            assert successes(daemon)[BROKEN] > 0
            assert await daemon.end(signal.SIGTERM) == 0

        assert {event["outcome"] for event in outcomes(daemon)} == {"success"}
        sent = {event["realised"]["tx_hash"] for event in outcomes(daemon)}
        assert await world.operator_nonce() - before == len(sent) > 1
