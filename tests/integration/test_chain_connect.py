"""The configured chain as the keeper opens it: its nodes watched, checked and counted."""

import asyncio

from keeper.app.connect import connect
from keeper.config.model import Config
from keeper.devnet.anvil import Anvil
from keeper.ops.metrics import Metrics
from keeper.ports import Priority, priority
from keeper.types import Address, Mode

PROVIDER = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
ADDRESS = Address("0x" + "ab" * 20)


def config(*urls: str) -> Config:
    return Config.model_validate(
        {
            "chain": {"id": 31337, "http": list(urls), "watch_seconds": 0.05, "units_per_day": 10**6},
            "deployment": [{"name": "a", "protocol": "aave-v3", "addresses_provider": PROVIDER}],
        }
    )


async def test_connect__two_nodes__their_state_and_cost_are_in_the_metrics() -> None:
    metrics = Metrics(Mode.WATCH, "0.1.0")
    async with Anvil.start(chain_id=31337) as anvil, Anvil.start(chain_id=31337) as other:
        async with connect(config(anvil.http, other.http), metrics) as pool:
            with priority(Priority.BACKFILL):
                assert await pool.logs([ADDRESS], 0, 0) == []
            await asyncio.sleep(0.2)
        value = metrics.registry.get_sample_value
        for host in (anvil.http, other.http):
            assert value("keeper_node_state", {"host": host, "state": "alive"}) == 1
            assert value("keeper_node_state", {"host": host, "state": "unreachable"}) == 0
            looks = {"host": host, "method": "eth_blockNumber", "priority": "audit"}
            assert (value("keeper_rpc_units_total", looks) or 0) >= 20
        logs = {"host": anvil.http, "method": "eth_getLogs", "priority": "backfill"}
        assert value("keeper_rpc_units_total", logs) == 75
