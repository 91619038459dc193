"""The loop that feeds heads to the daemon: what hiccups is repeated, what is newer goes first."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from keeper.app import loop
from keeper.app.loop import drain, turn_until
from keeper.types import BlockRef, Hash


def block(number: int) -> BlockRef:
    return BlockRef(number, Hash(hex(number)), Hash(hex(number - 1)), number, 0)


class Hiccuping:
    """Stands for the daemon: turns end as `ends` says, well after that."""

    idle = True

    def __init__(self, *ends: bool) -> None:
        self.taken: list[int] = []
        self._ends = list(ends)

    async def take(self, head: BlockRef) -> bool:
        self.taken.append(head.number)
        return self._ends.pop(0) if self._ends else True

    def beat(self) -> None:
        """Alive."""


class Heads:
    """Gives what was put, and waits for more."""

    def __init__(self, *numbers: int) -> None:
        self._queue: asyncio.Queue[BlockRef] = asyncio.Queue()
        for number in numbers:
            self._queue.put_nowait(block(number))

    def __aiter__(self) -> AsyncIterator[BlockRef]:
        return self

    async def __anext__(self) -> BlockRef:
        return await self._queue.get()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "RETRY", 0.01)


async def run(daemon: Any, heads: Heads, *, once: bool = False, last: int | None = None) -> None:
    async with asyncio.timeout(5):
        await turn_until(daemon, heads, asyncio.Event(), once=once, last=last)


async def test_loop__a_turn_hiccups_and_no_head_follows__is_repeated() -> None:
    daemon = Hiccuping(False, False)
    await run(daemon, Heads(7), last=7)
    assert daemon.taken == [7, 7, 7]


async def test_loop__a_turn_hiccups_and_a_newer_head_is_there__the_newer_goes_first() -> None:
    daemon = Hiccuping(False)
    await run(daemon, Heads(7, 8), last=8)
    assert daemon.taken == [7, 8]


async def test_loop__once_and_nothing_ever_ends__gives_up() -> None:
    daemon = Hiccuping(*[False] * 100)
    await run(daemon, Heads(7), once=True)
    assert len(daemon.taken) == loop.SETTLE_BLOCKS + 1


async def test_loop__stop_while_a_turn_is_missed__stops() -> None:
    daemon, stop = Hiccuping(*[False] * 10_000), asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    async with asyncio.timeout(5):
        await turn_until(daemon, Heads(7), stop, once=False, last=None)  # type: ignore[arg-type]
    assert set(daemon.taken) == {7}


class Draining:
    """Idle after so many turns."""

    def __init__(self, turns: int) -> None:
        self.turns, self.stopped = turns, False

    @property
    def idle(self) -> bool:
        return self.turns == 0

    def stop(self) -> None:
        self.stopped = True

    async def take(self, head: BlockRef) -> bool:
        self.turns -= 1
        return True


async def test_drain__something_on_its_way__followed_until_it_is_settled() -> None:
    daemon: Any = Draining(2)
    await drain(daemon, Heads(7, 8, 9), 5)
    assert (daemon.turns, daemon.stopped) == (0, True)


async def test_drain__nothing_comes__ends_in_time_and_leaves_it() -> None:
    daemon: Any = Draining(2)
    await drain(daemon, Heads(7), 0.05)
    assert (daemon.turns, daemon.stopped) == (1, True)
