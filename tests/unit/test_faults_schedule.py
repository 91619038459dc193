"""Fault schedules: reproducible, readable, and refused when wrong."""

import json
from itertools import pairwise
from pathlib import Path

import pytest

from keeper.devnet.faults.fault import Fault, Kind, parse_fault
from keeper.devnet.faults.schedule import Window, draw_schedule, play, read_schedule
from keeper.errors import ConfigError
from tests.clock import StillClock


class Recorder:
    """Notes when which faults are set."""

    def __init__(self, clock: StillClock) -> None:
        self.clock = clock
        self.notes: list[tuple[float, tuple[Kind, ...]]] = []

    def set(self, *faults: Fault) -> None:
        self.notes.append((round(self.clock.seconds, 6), tuple(fault.kind for fault in faults)))

    def clear(self) -> None:
        self.set()


def test_draw_schedule__same_seed__same_windows_with_every_kind() -> None:
    windows = draw_schedule(5, 300)
    assert windows == draw_schedule(5, 300)
    assert windows != draw_schedule(6, 300)
    assert {fault.kind for window in windows for fault in window.faults} == set(Kind)
    assert all(window.at + window.seconds < later.at for window, later in pairwise(windows))
    assert windows[-1].at + windows[-1].seconds <= 300


def test_read_schedule__of_what_was_printed__is_the_same(tmp_path: Path) -> None:
    windows = draw_schedule(5, 60)
    file = tmp_path / "schedule.json"
    file.write_text(json.dumps({"windows": [window.document() for window in windows]}), encoding="utf-8")
    assert read_schedule(file) == windows


def test_read_schedule__toml_by_hand__is_read(tmp_path: Path) -> None:
    file = tmp_path / "schedule.toml"
    file.write_text(
        "[[windows]]\nat = 1\nseconds = 2\n"
        'faults = [{kind = "lie", share = 0.5, selectors = ["0xbf92857c"]}]\n',
        encoding="utf-8",
    )
    fault = Fault(Kind.LIE, share=0.5, selectors=frozenset({"0xbf92857c"}))
    assert read_schedule(file) == [Window(1.0, 2.0, (fault,))]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not a schedule"),
        ("{}", "not a schedule"),
        ('{"windows": [{"at": 0, "seconds": 1, "faults": [{"kind": "rain"}]}]}', "not one of"),
        ('{"windows": [{"at": 0, "seconds": 1, "faults": [{"kind": "lie", "share": 2}]}]}', "share"),
        ('{"windows": [{"at": 0, "seconds": 1, "faults": [{"kind": "lie", "who": 2}]}]}', "who"),
        (
            '{"windows": [{"at": 0, "seconds": 2, "faults": []}, {"at": 1, "seconds": 2, "faults": []}]}',
            "before the one before",
        ),
    ],
)
def test_read_schedule__wrong__says_why(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "schedule.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=why):
        read_schedule(file)


def test_parse_fault__what_a_fault_says_of_itself__is_that_fault() -> None:
    fault = Fault(Kind.DELAY, 0.25, 1.5, frozenset({"eth_call"}))
    assert parse_fault(fault.document()) == fault


async def test_play__a_schedule__sets_and_clears_in_time() -> None:
    clock, told = StillClock(), list[Window | None]()
    recorder = Recorder(clock)
    windows = [Window(1.0, 2.0, (Fault(Kind.DROP),)), Window(4.0, 1.0, (Fault(Kind.LIE), Fault(Kind.MUTE)))]
    await play(windows, recorder, clock, told.append)
    assert recorder.notes == [
        (1.0, (Kind.DROP,)),
        (3.0, ()),
        (4.0, (Kind.LIE, Kind.MUTE)),
        (5.0, ()),
        (5.0, ()),
    ]
    assert told == [windows[0], None, windows[1], None]
