"""The heartbeat, on a clock that the test turns."""

from keeper.ops.health import Heartbeat
from tests.clock import StillClock


def test_heartbeat__within_the_limit__is_alive() -> None:
    clock = StillClock(1000.0)
    heartbeat = Heartbeat(clock, limit=10)
    clock.seconds += 10
    assert heartbeat.alive
    assert heartbeat.age == 10


def test_heartbeat__beyond_the_limit__is_not_alive_until_it_turns() -> None:
    clock = StillClock(1000.0)
    heartbeat = Heartbeat(clock, limit=10)
    clock.seconds += 10.5
    before = heartbeat.alive
    heartbeat.turn()
    assert (before, heartbeat.alive) == (False, True)
    assert heartbeat.age == 0
