"""What of the chain's reports is remembered as trouble."""

from pathlib import Path

from keeper.chain.node_state import NodeState
from keeper.clock import SystemClock
from keeper.ops.health import Heartbeat
from keeper.ops.incidents import Incidents, Kind, recent
from keeper.ops.metrics import Metrics
from keeper.ops.watch import Watch
from keeper.types import Mode
from tests.execute_samples import fresh_database

HOST = "http://a.example"
NOW = 1000.0


async def test_on_state__start_and_recovery__are_no_incidents(tmp_path: Path) -> None:
    async with fresh_database(tmp_path) as database:
        incidents = Incidents(database, lambda: NOW)
        watch = Watch(Metrics(Mode.PAPER, "0"), incidents, Heartbeat(SystemClock(), 60.0))
        states = (NodeState.UNCHECKED, NodeState.ALIVE, NodeState.UNREACHABLE)
        for state in (*states, *states[:2]):
            watch.on_state(HOST, state)
        await incidents.save()
        found = [(each.kind, each.times, each.detail) for each in await recent(database, 0)]
        assert found == [(Kind.NODE_STATE, 1, "unreachable")]
