"""When which faults happen: drawn from a seed, or read from a file. The same seed draws the same."""

import json
import tomllib
from collections.abc import Callable, Collection, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol

from keeper.clock import Clock
from keeper.devnet.faults.fault import Fault, Kind, parse_fault
from keeper.errors import ConfigError

SECONDS = (0.5, 4.0)
"""Shortest and longest window that is drawn."""

QUIET = (1.0, 4.0)
"""Shortest and longest pause between two."""

PAIRS = 0.25
"""How many windows have two faults at once."""

_DELAYS = (0.05, 3.0)


class Window(NamedTuple):
    """`faults` at work from second `at` of the schedule, for `seconds`."""

    at: float
    seconds: float
    faults: tuple[Fault, ...]

    def document(self) -> dict[str, Any]:
        """As JSON-ready fields."""
        return {
            "at": self.at,
            "seconds": self.seconds,
            "faults": [fault.document() for fault in self.faults],
        }


class Faulty(Protocol):
    """What a schedule is played on."""

    def set(self, *faults: Fault) -> None: ...
    def clear(self) -> None: ...


def draw_schedule(seed: int, seconds: float, kinds: Collection[Kind] = tuple(Kind)) -> list[Window]:
    """Windows one after the other with pauses between, until `seconds`; every kind once a round."""
    random = Random(seed)
    windows: list[Window] = []
    round_: list[Kind] = []
    at = random.uniform(*QUIET)
    while True:
        round_ = round_ or random.sample(sorted(kinds), len(kinds))
        length = random.uniform(*SECONDS)
        if at + length > seconds:
            return windows
        chosen = [round_.pop()]
        if random.random() < PAIRS:
            chosen.append(random.choice([kind for kind in sorted(kinds) if kind not in chosen] or chosen))
        faults = tuple(_draw_fault(random, kind) for kind in chosen)
        windows.append(Window(round(at, 3), round(length, 3), faults))
        at += length + random.uniform(*QUIET)


def read_schedule(file: Path) -> list[Window]:
    """Windows of a .toml file ([[windows]]) or a .json file, in the form `keeper devnet faults` prints.

    Raises:
        ConfigError: the file is not a schedule.
    """
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)
        windows = [_window(fields) for fields in document["windows"]]
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{file}: not a schedule of faults: {error!r}") from None
    for window, following in pairwise(windows):
        if following.at < window.at + window.seconds:
            raise ConfigError(f"{file}: the window at {following.at} begins before the one before has ended")
    return windows


async def play(
    windows: Sequence[Window], on: Faulty, clock: Clock, tell: Callable[[Window | None], None]
) -> None:
    """Set and clear the faults of each window in its time; `tell` is told each, and None when it is over."""
    started = clock.monotonic()
    try:
        for window in windows:
            await clock.sleep(max(0.0, started + window.at - clock.monotonic()))
            on.set(*window.faults)
            tell(window)
            await clock.sleep(max(0.0, started + window.at + window.seconds - clock.monotonic()))
            on.clear()
            tell(None)
    finally:
        on.clear()


def _draw_fault(random: Random, kind: Kind) -> Fault:
    share = random.choice([1.0, 1.0, 0.5, 0.2])
    return Fault(kind, share, round(random.uniform(*_DELAYS), 3))


def _window(fields: dict[str, Any]) -> Window:
    faults = tuple(parse_fault(each) for each in fields["faults"])
    return Window(float(fields["at"]), float(fields["seconds"]), faults)
