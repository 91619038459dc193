"""Chainlink's two layers: the proxy that consumers read and the aggregator that answers (aave.md §9.2)."""

from typing import NamedTuple

from keeper.protocols.decode import topic_address, topic_signed
from keeper.protocols.oracles.dual import DualAggregator, Seat
from keeper.protocols.oracles.source import Change, Found, Source, View
from keeper.protocols.oracles.words import contract, integer
from keeper.types import Address, Log


class Feed(NamedTuple):
    """An aggregator: `value` is what its last AnswerUpdated said."""

    value: int | None = None

    def answer(self, view: View) -> int | None:  # noqa: ARG002 (a feed does not change with time)
        return self.value

    def children(self) -> tuple[Address, ...]:
        return ()


class FeedProxy(NamedTuple):
    """A stable address in front of `aggregator`, which may be replaced.

    `seat` tells how a dual aggregator treats this proxy (`Seat`); other aggregators treat all alike.
    """

    aggregator: Address
    seat: int = Seat.UNKNOWN

    def answer(self, view: View) -> int | None:
        record = view.record(self.aggregator)
        if not isinstance(record, DualAggregator):
            return view.answer(self.aggregator)
        if self.seat != Seat.UNKNOWN:
            return record.answer_to(Seat(self.seat), view.timestamp)
        answers = {record.answer_to(seat, view.timestamp) for seat in (Seat.SECONDARY, Seat.PUBLIC)}
        return answers.pop() if len(answers) == 1 else None

    def children(self) -> tuple[Address, ...]:
        return (self.aggregator,)


def answered(record: Feed | None, log: Log) -> Feed:  # noqa: ARG001 (handlers are called alike)
    """A feed has a new answer."""
    return Feed(topic_signed(log, 1))


def _confirmed(record: FeedProxy, log: Log) -> FeedProxy:
    aggregator = topic_address(log, 2)
    return record if aggregator == record.aggregator else FeedProxy(aggregator)


ANSWER_UPDATED = "AnswerUpdated(int256,uint256,uint256)"

FEED_EVENTS: dict[str, Change] = {ANSWER_UPDATED: answered}
PROXY_EVENTS: dict[str, Change] = {"AggregatorConfirmed(address,address)": _confirmed}

AGGREGATOR = "aggregator()"
LATEST_ANSWER = "latestAnswer()"
LATEST_ROUND = "latestRound()"
GETTERS = (AGGREGATOR, LATEST_ANSWER, LATEST_ROUND)


def recognise_proxy(found: Found) -> Source | None:
    aggregator = contract(found, AGGREGATOR)
    if aggregator is None or integer(found, LATEST_ANSWER) is None:
        return None
    return FeedProxy(aggregator)


def recognise_feed(found: Found) -> Source | None:
    """Whatever counts rounds is taken to announce their answers; the prices read tell if it does not."""
    answer = integer(found, LATEST_ANSWER)
    if answer is None or integer(found, LATEST_ROUND) is None:
        return None
    return Feed(answer)
