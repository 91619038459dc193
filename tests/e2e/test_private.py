"""A live keeper whose liquidations go to a block builder, which is paid out of the profit."""

import asyncio
from pathlib import Path
from typing import Any

from keeper.devnet.node import Node
from keeper.devnet.relay import LocalRelay
from keeper.types import Address
from tests.e2e.world import DEADLINE, Daemon, World, keeper

FALL = {"wstETH": 35, "WBTC": 35, "LINK": 40}
"""What is owed in WETH outgrows every other collateral."""

TOKEN_CODE = Address("0x" + "70" * 20)
MIN_PROFIT = 10**8


async def make_unwrappable(node: Node, token: Address) -> None:
    """Let `token` pay out ether, as the wrapped native token does; the tokens paid for are not destroyed.

    withdraw(uint256) sends its argument to the caller, anything else is done by the code there was.
    """
    await node.request("anvil_setCode", TOKEN_CODE, await node.request("eth_getCode", token, "latest"))
    select = "5f3560e01c632e1a7d4d14603b57"
    delegate = f"365f5f375f5f365f73{TOKEN_CODE[2:]}5af43d5f5f3e6037573d5ffd5b3d5ff3"
    withdraw = "5b5f5f5f5f600435335af1604c575f5ffd5b00"
    await node.request("anvil_setCode", token, f"0x{select}{delegate}{withdraw}")
    await node.fund([token])


async def build_until_paid(relay: LocalRelay, daemon: Daemon) -> list[dict[str, Any]]:
    """Blocks until a liquidation with a bid is on chain; what became of all that landed so far."""
    await daemon.event("submitted")
    async with asyncio.timeout(DEADLINE):
        while True:
            await relay.mine()
            await daemon.event("head")
            landed = [event for event in daemon.events if event["event"] == "outcome" and "realised" in event]
            if any(int(event["realised"]["bid"]) for event in landed):
                return landed


async def test_run__live_through_a_relay__lands_in_private_and_pays_the_builder(tmp_path: Path) -> None:
    async with World.start(tmp_path, borrowers=30) as world, LocalRelay.start(world.network.node) as relay:
        await make_unwrappable(world.network.node, world.network.market.reserve("WETH").token)
        settings = {"relay": {"urls": [relay.url], "method": "bundle", "bid_bps": 5_000}}
        config = world.config(tmp_path / "own", settings)
        (tmp_path / "own" / ".env").write_text(f"KEEPER_RELAY_KEY=0x{'5e' * 32}\n")

        examined = (await keeper(config, "doctor", "--json")).json["checks"]
        checks = {check["name"]: check["ok"] for check in examined}
        assert (checks[f"relay {relay.url}"], checks["bid"]) == (True, True)

        await world.crash(FALL)
        before = await relay.earned()
        async with Daemon.running(config, "--mode", "live") as daemon:
            outcomes = await build_until_paid(relay, daemon)
            bids = sum(int(event["realised"]["bid"]) for event in outcomes)
            assert 0 < bids < await relay.earned() - before
            assert {asked.method for asked in relay.asked} == {"eth_chainId", "eth_sendBundle"}
            for event in outcomes:
                expected, realised = event["expected"], event["realised"]
                assert event["outcome"] == "success"
                assert (expected["bid"] == "0") == (realised["bid"] == "0")
                assert int(realised["net_usd"]) >= MIN_PROFIT
