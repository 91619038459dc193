"""Chainlink's SVR feeds: one aggregator, two proxies, and answers that depend on who asks (aave.md §9.4).

Reports come by two routes. The secondary proxy, which Aave reads, sees the newest round of the secondary
route; a round that came by the public route alone becomes visible to it only when the cutoff has passed,
by time and without any log.
"""

from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.decode import topic_int, topic_signed
from keeper.protocols.oracles.source import Change, Found, View
from keeper.protocols.oracles.words import data
from keeper.types import Address, Log

KEPT = 24
"""Rounds remembered. Deployed aggregators look back 20 rounds at most."""

ITERATIONS = 20
"""How far deployed aggregators look back, until MaxSyncIterationsSet says otherwise."""


class Seat(IntEnum):
    """As whom an aggregator sees a proxy."""

    UNKNOWN = 0
    SECONDARY = 1
    PUBLIC = 2


class Round(NamedTuple):
    """One report: `recorded` is the time of the block that brought it, in seconds."""

    id: int
    value: int
    recorded: int


class DualAggregator(NamedTuple):
    """State of a DualAggregator: rounds ascending, the newest last.

    `secondary` is the newest round of the secondary route; `alone` is 1 while the newest report came by
    that route only. `cutoff` in seconds has no getter and is None until CutoffTimeSet is seen.
    """

    rounds: tuple[Round, ...]
    secondary: int
    alone: int = 0
    cutoff: int | None = None
    iterations: int = ITERATIONS

    def answer(self, view: View) -> int | None:
        return self.answer_to(Seat.PUBLIC, view.timestamp)

    def children(self) -> tuple[Address, ...]:
        return ()

    def answer_to(self, seat: Seat, timestamp: int) -> int | None:
        """What a proxy in `seat` is answered at `timestamp`; None where the cutoff decides and is unknown."""
        number = self.round_for(seat, timestamp)
        return None if number is None else self._value(number)

    def round_for(self, seat: Seat, timestamp: int) -> int | None:
        """The round that counts as the latest for `seat`."""
        latest = self.rounds[-1].id if self.rounds else 0
        if seat is Seat.PUBLIC:
            hidden = self.alone and latest == self.secondary and self.rounds[-1].recorded == timestamp
            return latest - 1 if hidden else latest
        if latest == self.secondary:
            return latest
        if self.cutoff is None:
            return None
        # Rounds are recorded in order: where the secondary is within the cutoff, so is all after it.
        for each in reversed(self.rounds):
            if latest - each.id == self.iterations or each.id == self.secondary:
                return self.secondary
            if each.recorded + self.cutoff < timestamp:
                return each.id
        return self.secondary if self.rounds[0].id == 1 else None

    def _value(self, number: int) -> int | None:
        if number == 0:
            return 0  # no report yet: an empty slot of the aggregator's storage
        return next((each.value for each in self.rounds if each.id == number), None)


def _answered(record: DualAggregator, log: Log) -> DualAggregator:
    number = topic_int(log, 2)
    if record.rounds and number <= record.rounds[-1].id:
        return record  # history before the state that was read
    rounds = (*record.rounds, Round(number, topic_signed(log, 1), data(log, 0)))
    kept = tuple(each for each in rounds if each.id > number - KEPT or each.id == record.secondary)
    return record._replace(rounds=kept, alone=int(record.secondary == number))


def _secondary_updated(record: DualAggregator, log: Log) -> DualAggregator:
    """Precedes AnswerUpdated where the report is new, stands alone where the public route was first."""
    return record._replace(secondary=max(record.secondary, topic_int(log, 1)))


def _unlocked(record: DualAggregator, log: Log) -> DualAggregator:
    newest = record.rounds and record.rounds[-1].id == topic_int(log, 1)
    return record._replace(alone=0) if newest else record


def _cutoff_set(record: DualAggregator, log: Log) -> DualAggregator:
    return record._replace(cutoff=data(log, 0))


def _iterations_set(record: DualAggregator, log: Log) -> DualAggregator:
    return record._replace(iterations=data(log, 0))


EVENTS: dict[str, Change] = {
    "AnswerUpdated(int256,uint256,uint256)": _answered,
    "SecondaryRoundIdUpdated(uint32)": _secondary_updated,
    "PrimaryFeedUnlocked(uint32)": _unlocked,
    "CutoffTimeSet(uint32)": _cutoff_set,
    "MaxSyncIterationsSet(uint32)": _iterations_set,
}

TYPE = "typeAndVersion()"
GETTERS = (TYPE,)


def is_dual(found: Found) -> bool:
    """Whether a contract says it is a DualAggregator."""
    return b"DualAggregator" in (found[TYPE] or b"")
