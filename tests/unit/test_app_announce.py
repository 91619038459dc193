"""The order in which a turn is told."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from keeper.app.announce import Announcer
from keeper.app.events import Event
from keeper.ops.incidents import Incidents
from keeper.ops.metrics import Metrics
from keeper.store import Database
from keeper.types import BlockRef, Hash, Mode

HEAD = BlockRef(7, Hash("0xaa"), Hash("0xa9"), 1000, 1)


@pytest.fixture
def said() -> list[Event]:
    return []


@pytest.fixture
async def announcer(tmp_path: Path, said: list[Event]) -> AsyncIterator[Announcer]:
    def sink(event: Event, fields: Mapping[str, Any]) -> None:
        said.append(event)

    async with await Database.open(f"sqlite:///{tmp_path}/keeper.db") as database:
        yield Announcer(sink, Metrics(Mode.PAPER, "0"), Incidents(database, lambda: 0.0))


def test_head_first__sent_before_it_is_judged__head_precedes(announcer: Announcer, said: list[Event]) -> None:
    with announcer.head_first():
        announcer.say_all(Event.PAPER, [{}, {}])
        announcer.judged(HEAD, [], accounts=1, in_flight=0)
        announcer.say(Event.NOTICE)
    announcer.say(Event.STOPPED)
    assert said == [Event.HEAD, Event.PAPER, Event.PAPER, Event.NOTICE, Event.STOPPED]


def test_head_first__the_turn_fails__what_was_sent_is_told(announcer: Announcer, said: list[Event]) -> None:
    def fail() -> None:
        with announcer.head_first():
            announcer.say(Event.SUBMITTED)
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fail()
    assert said == [Event.SUBMITTED]
