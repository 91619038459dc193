"""One endpoint as a state machine: what it is good for now. No I/O; time comes from the injected clock.

unchecked ──named chain──▶ alive ◀──▶ lagging, syncing
    ▲                        │ failed repeatedly
    └──────rested────── unreachable            wrong chain: from anywhere, until it names ours
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from keeper.clock import Clock


class NodeState(StrEnum):
    """What an endpoint is good for."""

    UNCHECKED = "unchecked"
    """It has not named its chain yet: to be asked before it is used."""
    ALIVE = "alive"
    LAGGING = "lagging"
    """Its head, or what it holds for finalized, is behind that of the others."""
    SYNCING = "syncing"
    """It says itself that it is still catching up."""
    UNREACHABLE = "unreachable"
    """It failed repeatedly and is left alone for a while."""
    WRONG_CHAIN = "wrong_chain"


class Signal(Enum):
    """What can move a node from one state to another."""

    NAMED_CHAIN = auto()
    NAMED_OTHER_CHAIN = auto()
    FELL_BEHIND = auto()
    CAUGHT_UP = auto()
    SYNCING = auto()
    SYNCED = auto()
    FAILED_REPEATEDLY = auto()
    RESTED = auto()


_USABLE = (NodeState.UNCHECKED, NodeState.ALIVE, NodeState.LAGGING, NodeState.SYNCING)

TRANSITIONS: Mapping[tuple[NodeState, Signal], NodeState] = {
    (NodeState.UNCHECKED, Signal.NAMED_CHAIN): NodeState.ALIVE,
    (NodeState.UNREACHABLE, Signal.NAMED_CHAIN): NodeState.ALIVE,
    (NodeState.WRONG_CHAIN, Signal.NAMED_CHAIN): NodeState.ALIVE,
    (NodeState.ALIVE, Signal.FELL_BEHIND): NodeState.LAGGING,
    (NodeState.LAGGING, Signal.CAUGHT_UP): NodeState.ALIVE,
    (NodeState.ALIVE, Signal.SYNCING): NodeState.SYNCING,
    (NodeState.LAGGING, Signal.SYNCING): NodeState.SYNCING,
    (NodeState.SYNCING, Signal.SYNCED): NodeState.ALIVE,
    (NodeState.UNREACHABLE, Signal.RESTED): NodeState.UNCHECKED,
    **{(state, Signal.FAILED_REPEATEDLY): NodeState.UNREACHABLE for state in _USABLE},
    **{(state, Signal.NAMED_OTHER_CHAIN): NodeState.WRONG_CHAIN for state in NodeState},
}
"""Every move there is; a signal without an entry leaves the state as it is."""


@dataclass(frozen=True, slots=True)
class Rules:
    """When a node's state changes; times in seconds.

    A node that failed once is asked last for `rest`. `failures` within `window` make it unreachable for
    `pause`, doubled each time up to `longest_pause`. It lags when it is `lag_blocks` behind, when the
    others passed its head `lag_seconds` ago, or its finalized block is `lag_finalized` behind; it has
    caught up at half of each: a node on the edge must not flap.
    """

    rest: float = 30.0
    failures: int = 3
    window: float = 60.0
    pause: float = 60.0
    longest_pause: float = 600.0
    lag_blocks: int = 5
    lag_seconds: float = 20.0
    lag_finalized: int = 128


_CAUGHT_UP = 0.5
"""Part of each limit below which a node that lagged has caught up."""

Moved = Callable[[str, NodeState, NodeState, str], None]
"""Told host, state before, state after and the reason."""


class Node:
    """The state of one endpoint, moved by what is seen of it."""

    def __init__(self, host: str, rules: Rules, clock: Clock, moved: Moved) -> None:
        self.host = host
        self.state = NodeState.UNCHECKED
        self.verified = False
        """Whether it has named our chain since it last gave cause for doubt."""
        self.head = -1
        self.finalized = -1
        self._rules = rules
        self._clock = clock
        self._moved = moved
        self._failed_at: deque[float] = deque(maxlen=rules.failures)
        self._rest_until = 0.0
        self._pause_until = 0.0
        self._pauses = 0

    @property
    def resting(self) -> bool:
        """It failed or refused lately: others are to be preferred."""
        return self._clock.monotonic() < self._rest_until

    @property
    def paused(self) -> bool:
        """It is unreachable and its pause is not over."""
        self._wake()
        return self.state is NodeState.UNREACHABLE

    def answered(self) -> None:
        """It gave a usable answer."""
        if self._failed_at and self._clock.monotonic() - self._failed_at[-1] > self._rules.window:
            self._failed_at.clear()
            self._pauses = 0

    def rest(self, seconds: float | None = None) -> None:
        """It could not serve a request for a reason of its own, which may be over in `seconds`."""
        self._rest_until = self._clock.monotonic() + (self._rules.rest if seconds is None else seconds)
        self.verified = False

    def failed(self, why: str) -> None:
        """It gave no usable answer: once means rest, repeatedly means a pause."""
        self.rest()
        now = self._clock.monotonic()
        self._failed_at.append(now)
        enough = len(self._failed_at) == self._rules.failures
        if not enough or now - self._failed_at[0] > self._rules.window:
            return
        if now >= self._pause_until:
            pause = min(self._rules.pause * 2**self._pauses, self._rules.longest_pause)
            self._pause_until = now + pause
            self._pauses += 1
        self._signal(Signal.FAILED_REPEATEDLY, why)

    def named(self, found: int, expected: int) -> None:
        """It said which chain it serves."""
        self.verified = found == expected
        signal = Signal.NAMED_CHAIN if self.verified else Signal.NAMED_OTHER_CHAIN
        self._signal(signal, f"serves chain {found}")

    def saw_head(self, behind: int, seconds: float, finalized_behind: int) -> None:
        """It showed its head: `behind` blocks after the best one, which passed it `seconds` ago."""
        rules = self._rules
        text = f"{behind} blocks and {seconds:.0f} s behind, finalized {finalized_behind} blocks"
        distance = max(
            behind / rules.lag_blocks, seconds / rules.lag_seconds, finalized_behind / rules.lag_finalized
        )
        if distance >= 1:
            self._signal(Signal.FELL_BEHIND, text)
        elif distance <= _CAUGHT_UP:
            self._signal(Signal.CAUGHT_UP, text)

    def said_syncing(self, syncing: bool) -> None:
        """It answered eth_syncing."""
        self._signal(Signal.SYNCING if syncing else Signal.SYNCED, "by its own word")

    def _wake(self) -> None:
        if self.state is NodeState.UNREACHABLE and self._clock.monotonic() >= self._pause_until:
            self._signal(Signal.RESTED, "to be tried again")

    def _signal(self, signal: Signal, why: str) -> None:
        before = self.state
        self.state = TRANSITIONS.get((before, signal), before)
        if self.state is not before:
            self._moved(self.host, before, self.state, why)
