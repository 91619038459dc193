"""Who is on duty: the lease, and what a process makes of its own sight of the chain."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keeper.app.duty import LeasedDuty
from keeper.ops.health import Heartbeat
from keeper.store import Database, Lease
from tests.clock import StillClock
from tests.execute_samples import account

BLIND = 10.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(f"sqlite:///{tmp_path / 'keeper.db'}") as database:
        yield database


class Process:
    """One process; its duty can be asked."""

    def __init__(self, database: Database, name: str, *, shared: bool = True) -> None:
        self.clock = StillClock()
        self.answers = Heartbeat(self.clock, BLIND)
        self.lease = Lease(database, 1, account(1), name, 60.0)
        self.duty = LeasedDuty(self.lease, self.clock, self.answers, shared=shared, seconds=60.0, blind=BLIND)

    async def turn(self, *, ended: bool = True) -> int | None:
        self.duty.turning()
        self.answers.turn()
        term = await self.duty.assume()
        await self.duty.turned(ended=ended)
        return term

    def names(self) -> dict[str, tuple[bool, str]]:
        return {name: (ok, detail) for name, ok, detail in self.duty.components(None)}


async def test_assume__shared__the_second_waits_until_the_first_gives_way(database: Database) -> None:
    a, b = Process(database, "a"), Process(database, "b")
    assert [await a.turn(), await b.turn(), await a.turn()] == [1, None, 1]
    assert a.names() == {"duty": (True, "active, term 1"), "signer": (True, "not halted")}
    assert b.names() == {"duty": (True, "standby"), "signer": (True, "another process signs")}
    async with a.duty.kept():
        pass
    assert [await b.turn(), await a.turn()] == [2, None]


async def test_assume__alone__takes_the_key_from_whoever_had_it_and_never_takes_it_back(
    database: Database,
) -> None:
    a, b = Process(database, "a", shared=False), Process(database, "b", shared=False)
    assert [await a.turn(), await b.turn(), await a.turn(), await b.turn(), await a.turn()] == [
        1,
        2,
        None,
        2,
        None,
    ]
    assert a.names()["signer"] == (False, "another process has taken over the key")


async def test_tend__no_head_for_too_long__gives_way_only_when_shared(database: Database) -> None:
    for shared in (True, False):
        process = Process(database, "a", shared=shared)
        await process.turn()
        process.clock.seconds += BLIND * 0.9
        await process.duty._tend()
        assert process.lease.token is not None
        process.clock.seconds += BLIND * 0.2
        process.answers.turn()  # a node that answers but has no new block
        await process.duty._tend()
        assert (process.lease.token is None) == shared
        await process.lease.release()


async def test_tend__in_a_long_turn__stays_as_long_as_nodes_answer(database: Database) -> None:
    process = Process(database, "a")
    await process.turn()
    process.duty.turning()
    for _ in range(5):
        process.clock.seconds += BLIND * 0.8
        await process.duty._tend()
        assert process.lease.token == 1
        process.answers.turn()
    process.clock.seconds += BLIND * 1.1
    await process.duty._tend()
    assert process.lease.token is None


async def test_turned__long_turn_ended__the_next_head_gets_some_time(database: Database) -> None:
    process = Process(database, "a")
    await process.turn()
    process.duty.turning()
    process.clock.seconds += BLIND * 3
    process.answers.turn()
    await process.duty.turned(ended=True)
    await process.duty._tend()
    assert process.lease.token == 1
    process.clock.seconds += BLIND * 0.6
    await process.duty._tend()
    assert process.lease.token is None


async def test_turned__turns_keep_failing__gives_way_at_once_when_it_is_due(database: Database) -> None:
    process = Process(database, "a")
    await process.turn()
    assert await process.turn(ended=False) == 1
    process.clock.seconds += BLIND * 1.1
    assert await process.turn(ended=False) == 1
    assert process.lease.token is None
