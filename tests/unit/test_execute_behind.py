"""Where a transaction has to stand, and what it pays for that place."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from keeper.app.expected import CAPACITY, Expectations, Expected
from keeper.artifacts import load_artifact
from keeper.errors import ConfigError, Degraded
from keeper.execute.behind import Behind, NotExecutable, dearest, obstacle, precedes
from keeper.execute.executor import Executor
from keeper.execute.model import Fees
from keeper.ports import PendingTransaction, Ran
from keeper.protocols.oracles.transmit import Transmission
from keeper.types import Address, BlockRef, Call, Hash
from tests.execute_samples import OPERATOR, account, sample_plan

GWEI = 10**9
HEAD = BlockRef(100, Hash("0xaa"), Hash("0xa9"), 1000, 8 * GWEI)
FEED = account(70)


def update(
    number: int = 0, *, sender: int = 1, nonce: int = 5, tip: int = 2, cap: int = 40
) -> PendingTransaction:
    """Fees in gwei."""
    name = Hash(f"0x{number:064x}")
    return PendingTransaction(
        name, account(sender), nonce, Call(FEED, b"\1"), 0, 90_000, tip * GWEI, cap * GWEI
    )


@dataclass
class Stage:
    """A rehearsal that answers what it was told to."""

    answers: list[list[Ran]] = field(default_factory=list)
    asked: list[list[PendingTransaction]] = field(default_factory=list)
    failure: Exception | None = None

    async def rehearse(
        self, transactions: Sequence[PendingTransaction], block: BlockRef, timestamp: int
    ) -> list[Ran]:
        assert (block, timestamp) == (HEAD, 1012)
        self.asked.append(list(transactions))
        if self.failure:
            raise self.failure
        return self.answers.pop(0)

    async def raw_transaction(self, tx_hash: Hash) -> bytes | None:
        raise AssertionError(tx_hash)


def place(*updates: PendingTransaction, stage: Stage | None = None) -> Behind:
    executor = Executor(account(9), load_artifact("executor").abi)
    return Behind(updates, HEAD, 1012, stage or Stage(), executor, OPERATOR, 7)


@pytest.mark.parametrize(
    ("ceiling", "fees"),
    [
        (50, Fees(2 * GWEI, 40 * GWEI)),
        (40, Fees(2 * GWEI, 40 * GWEI)),
        (39, Fees(2 * GWEI, 39 * GWEI)),  # the tip is paid in full up to a base fee of 37
        (11, Fees(2 * GWEI, 11 * GWEI)),  # 9 is the dearest base fee to come
        (10, None),
    ],
)
def test_fees__by_ceiling__are_those_in_front_as_long_as_the_tip_is_paid(
    ceiling: int, fees: Fees | None
) -> None:
    assert dearest(HEAD) == 9 * GWEI
    assert place(update()).fees(ceiling * GWEI) == fees


def test_fees__several_in_front__are_those_of_the_last() -> None:
    assert place(update(tip=9), update(tip=1, cap=30)).fees(100 * GWEI) == Fees(GWEI, 30 * GWEI)


@pytest.mark.parametrize(
    ("pending", "next_nonce", "words"),
    [
        (update(), 5, None),
        (update(), 4, "its nonce is 5"),
        (update(), 6, "its nonce is 5"),
        (update(cap=9), 5, None),
        (update(cap=8), 5, "pays at most"),
    ],
)
def test_obstacle__nonce_and_fee__tell_whether_the_next_block_can_have_it(
    pending: PendingTransaction, next_nonce: int, words: str | None
) -> None:
    found = obstacle(pending, next_nonce, HEAD)
    assert found is None if words is None else words in (found or "")


def test_precedes__only_when_every_order_says_so() -> None:
    assert precedes(update(), update(sender=2))
    assert not precedes(update(tip=1), update(sender=2))
    assert not precedes(update(cap=39), update(sender=2))
    assert precedes(update(tip=1), update(nonce=6))


async def test_simulate__update_would_fail__nothing_is_placed_behind_it() -> None:
    stage = Stage([[Ran(False, b"", 50_000), Ran(True, b"", 1)]])
    with pytest.raises(NotExecutable, match="would fail"):
        await place(update(), stage=stage).simulate([sample_plan(1)])
    assert [each.hash for each in stage.asked[0]][:1] == [update().hash]
    ours = stage.asked[0][1]
    assert (ours.sender, ours.nonce, ours.tip, ours.cap) == (OPERATOR, 7, 2 * GWEI, 40 * GWEI)


async def test_simulate__ours_would_fail__is_a_rejection() -> None:
    stage = Stage([[Ran(True, b"", 50_000), Ran(False, b"", 1)]])
    found = await place(update(), stage=stage).simulate([sample_plan(1)])
    assert found.plans == ()
    assert [each.detail for each in found.rejections] == ["reverted without a reason"]


async def test_simulate__no_node_can_rehearse__nothing_is_placed() -> None:
    with pytest.raises(Degraded, match="cannot be rehearsed"):
        await place(update(), stage=Stage(failure=ConfigError("no such method"))).simulate([sample_plan(1)])


def expected(pending: PendingTransaction, obstacle: str | None = None) -> Expected:
    return Expected(pending, Transmission(FEED, 1, 0, 0, secondary=False), 100, obstacle)


def test_expectations__same_sender_and_nonce__the_newer_takes_the_place() -> None:
    found = Expectations()
    old, new, other = expected(update(1)), expected(update(2, tip=9)), expected(update(3, nonce=6))
    assert found.add(old) == []
    assert found.add(other) == []
    assert found.rivals(new.update) == [old]
    assert found.add(new) == [old]
    assert list(found) == [other, new]


def test_expectations__full__the_oldest_goes() -> None:
    found = Expectations()
    first, *rest = [expected(update(number, nonce=number)) for number in range(CAPACITY + 1)]
    assert found.add(first) == []
    assert [gone for each in rest for gone in found.add(each)] == [first]
    assert len(found) == CAPACITY


def test_expectations__front__counts_executable_ones_that_come_before() -> None:
    found = Expectations()
    one, two = expected(update(1, nonce=5)), expected(update(2, nonce=6))
    poor = expected(update(3, sender=2, tip=1))
    stuck = expected(update(4, sender=3), "nonce gap")
    late = expected(update(5, sender=4))
    for each in (two, one, poor, stuck, late):
        found.add(each)
    assert found.front(one) == []
    assert found.front(two) == [one]
    assert found.front(late) == [one, two]
    assert found.next_nonce(Address(account(1)), 5, found.front(two)) == 6
    assert found.next_nonce(Address(account(1)), 4, found.front(two)) == 4
