"""Every event that the recorded contracts emitted is in the table of events."""

from pathlib import Path

import pytest

from keeper.protocols.decode import topic
from keeper.protocols.euler_v2.events import EVENTS
from keeper.protocols.euler_v2.records import Role
from keeper.sim.replay import load

ROOT = Path(__file__).parents[2]
RUN = load(ROOT / "tests/vectors/data/euler-v2-s1.json.gz")
CONTRACTS = RUN["contracts"]
EMITTERS = {CONTRACTS["factory"]: Role.FACTORY, CONTRACTS["evc"]: Role.CONNECTOR} | dict.fromkeys(
    CONTRACTS["vaults"], Role.VAULT
)


@pytest.mark.parametrize("role", [Role.FACTORY, Role.CONNECTOR, Role.VAULT])
def test_event_table__against_a_recorded_run__knows_every_event(role: Role) -> None:
    emitted = {
        log["topics"][0]
        for block in RUN["blocks"]
        for log in block["logs"]
        if EMITTERS.get(log["address"]) is role
    }
    known = {topic(event.signature) for event in EVENTS if event.role is role}
    assert emitted
    assert emitted <= known
