"""The times of attempts: every stage counts from the head that it was made on."""

import pytest

from keeper.execute.latency import HEADS, Latency, Stopwatch
from keeper.execute.model import Attempt, Fees, Transaction
from keeper.execute.states import State
from keeper.types import Hash
from tests.execute_samples import EXECUTOR, OPERATOR, block_ref

TRANSACTION = Transaction(
    7, "key", 1, OPERATOR, 0, State.RESERVED, EXECUTOR, b"", 10**6, 10**11, 100, 1_700_001_200, ()
)


class Hand:
    """A clock that is moved by hand: milliseconds."""

    def __init__(self) -> None:
        self.milliseconds = 5_000.0

    def __call__(self) -> float:
        return self.milliseconds / 1000


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def stopwatch(hand: Hand) -> Stopwatch:
    return Stopwatch(hand)


def attempt(number: int, block: int) -> Attempt:
    return Attempt(number, Hash(f"0x{number:064x}"), b"", Fees(1, 2), block)


def sign(stopwatch: Stopwatch, hand: Hand, made: Attempt) -> None:
    """Three milliseconds of signing."""
    asked = stopwatch.now()
    hand.milliseconds += 3
    stopwatch.signed(TRANSACTION, made, asked)


def test_stopwatch__one_attempt__each_stage_since_the_head(stopwatch: Stopwatch, hand: Hand) -> None:
    stopwatch.head(block_ref(100))
    hand.milliseconds += 4
    stopwatch.decided(block_ref(100))
    hand.milliseconds += 2
    sign(stopwatch, hand, attempt(0, 100))
    hand.milliseconds += 1
    stopwatch.sent(attempt(0, 100).hash)
    hand.milliseconds += 12_000
    stopwatch.mined(attempt(0, 100).hash, 101)
    (timed,) = stopwatch.drain()
    assert timed == Latency(attempt(0, 100).hash, "key", 0, 100, 4.0, 9.0, 10.0, 12_010.0, 1)
    assert stopwatch.drain() == []


def test_stopwatch__sent_and_reported_again__keeps_the_first_times(stopwatch: Stopwatch, hand: Hand) -> None:
    stopwatch.head(block_ref(100))
    sign(stopwatch, hand, attempt(0, 100))
    stopwatch.sent(attempt(0, 100).hash)
    stopwatch.mined(attempt(0, 100).hash, 101)
    before = stopwatch.drain()
    hand.milliseconds += 500
    stopwatch.head(block_ref(100))
    stopwatch.sent(attempt(0, 100).hash)
    stopwatch.mined(attempt(0, 100).hash, 101)
    assert stopwatch.drain() == []
    assert (before[0].sent, before[0].mined) == (3.0, 3.0)


def test_stopwatch__replacement__is_decided_when_it_is_signed(stopwatch: Stopwatch, hand: Hand) -> None:
    stopwatch.head(block_ref(101))
    hand.milliseconds += 6
    sign(stopwatch, hand, attempt(1, 101))
    (timed,) = stopwatch.drain()
    assert (timed.number, timed.decided, timed.signed, timed.sent) == (1, 6.0, 9.0, None)


def test_stopwatch__head_is_replaced__counts_from_the_new_one(stopwatch: Stopwatch, hand: Hand) -> None:
    stopwatch.head(block_ref(100))
    hand.milliseconds += 1_000
    stopwatch.head(block_ref(100, fork="01"))
    sign(stopwatch, hand, attempt(0, 100))
    assert stopwatch.drain()[0].signed == 3.0


def test_stopwatch__attempt_of_another_run__is_not_timed(stopwatch: Stopwatch, hand: Hand) -> None:
    sign(stopwatch, hand, attempt(0, 90))
    stopwatch.sent(attempt(0, 90).hash)
    stopwatch.mined(attempt(0, 90).hash, 91)
    assert stopwatch.drain() == []


def test_stopwatch__many_heads__remembers_the_newest(stopwatch: Stopwatch, hand: Hand) -> None:
    stopwatch.head(block_ref(1))
    sign(stopwatch, hand, attempt(0, 1))
    for number in range(2, 2 + HEADS):
        stopwatch.head(block_ref(number))
    stopwatch.drain()
    stopwatch.mined(attempt(0, 1).hash, 2)
    assert stopwatch.drain() == []
