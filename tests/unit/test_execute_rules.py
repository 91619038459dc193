"""What is done with a transaction that no block has taken: one case a rule."""

from dataclasses import replace
from typing import Any

import pytest

from keeper.execute.fees import Raise
from keeper.execute.model import Attempt, Fees, Transaction
from keeper.execute.rules import (
    Action,
    Cancel,
    Late,
    Publish,
    Recall,
    Release,
    Resend,
    Rules,
    Sign,
    View,
    decide,
    is_late,
)
from keeper.execute.states import State
from keeper.ports import BlockFees, SendOutcome
from keeper.types import Hash
from tests.execute_samples import EXECUTOR, OPERATOR, block_ref

GWEI = 10**9
RULES = Rules(max_gas_price=300 * GWEI)
FULL = [BlockFees(GWEI, 50 * GWEI)]
EMPTY = [BlockFees(GWEI, 0)]
GAS = 1_000_000


def attempt(
    outcome: SendOutcome = SendOutcome.ACCEPTED, block: int = 10, *, out: bool = True, **changes: Any
) -> Attempt:
    made = Attempt(0, Hash("0x"), b"", Fees(GWEI, 3 * GWEI), block, outcome, out=out)
    return replace(made, **changes)


def transaction(*attempts: Attempt, state: State = State.SENT, ceiling: int = 100 * GWEI) -> Transaction:
    return Transaction(
        1, "key", 1, OPERATOR, 0, state, EXECUTOR, b"", GAS, ceiling, 10, 0, (), tuple(attempts)
    )


def view(block: int = 11, base_fee: int = GWEI) -> View:
    head = block_ref(block)._replace(base_fee=base_fee)
    return View(head, nonce=0, pending=1, final=-1, tip=GWEI, broken=False)


def late(gas: int | None = GAS, blocks: list[BlockFees] = FULL) -> Late:
    return Late(gas, blocks)


@pytest.mark.parametrize(
    ("outcome", "block", "expected"),
    [
        (SendOutcome.ACCEPTED, 10, False),
        (SendOutcome.ACCEPTED, 11, True),
        (SendOutcome.UNKNOWN, 11, True),
        (SendOutcome.UNDERPRICED, 10, True),
        (SendOutcome.REPLACEMENT_UNDERPRICED, 10, True),
    ],
)
def test_is_late__every_block_is_a_chance_and_too_cheap_has_none(
    outcome: SendOutcome, block: int, expected: bool
) -> None:
    assert is_late(transaction(attempt(outcome)), view(block), RULES) is expected


RAISED = Sign(Fees(1_100_000_001, 3_300_000_001), GAS)

CASES: dict[str, tuple[Transaction, View, Late | None, bool, Action]] = {
    "T12 had its chance: fees rise": (transaction(attempt()), view(), late(), False, RAISED),
    "T12 priced on this head: sent again": (transaction(attempt()), view(10), None, False, Resend()),
    "T9 it needs more gas now": (
        transaction(attempt()), view(), late(2 * GAS), False, Sign(RAISED.fees, 2 * GAS),
    ),
    "T9 never less gas": (transaction(attempt()), view(), late(GAS // 2), False, RAISED),
    "T10 at the ceiling: sent again": (
        transaction(attempt(), ceiling=3 * GWEI), view(), late(), False, Resend(),
    ),
    "T11 the price is not why": (
        transaction(attempt()), view(), late(blocks=EMPTY), False, Resend(unreached=True),
    ),
    "T11 the pool says it is": (
        transaction(attempt(SendOutcome.REPLACEMENT_UNDERPRICED)), view(), late(blocks=EMPTY), False, RAISED,
    ),
    "T4 nothing signed yet": (
        transaction(state=State.RESERVED), view(10), None, False, Sign(Fees(GWEI, 3 * GWEI), GAS),
    ),
    "T4 nothing signed and the base fee above the ceiling": (
        transaction(state=State.RESERVED, ceiling=GWEI), view(10), None, False, Sign(Fees(0, GWEI), GAS),
    ),
    "T6 nothing signed and no use any more": (
        transaction(state=State.RESERVED), view(), late(None), False, Release(),
    ),
    "T6 the same, with others behind it": (
        transaction(state=State.RESERVED), view(), late(None), True, Cancel(Fees(GWEI, 3 * GWEI)),
    ),
    "T16 refused for two blocks, others wait": (
        transaction(attempt(SendOutcome.RETRYABLE, out=False)), view(12), late(), True, Cancel(RAISED.fees),
    ),
    "T16 refused for one block": (
        transaction(attempt(SendOutcome.RETRYABLE, out=False)), view(11), late(), True, RAISED,
    ),
    "T16 taken once, refused since": (
        transaction(attempt(SendOutcome.RETRYABLE)), view(12), late(), True, RAISED,
    ),
    "T16 its contents are refused": (
        transaction(attempt(SendOutcome.FATAL, out=False)), view(12), late(), False, Cancel(RAISED.fees),
    ),
    "T22 no use any more": (transaction(attempt()), view(), late(None), False, Cancel(RAISED.fees)),
    "T22 no use any more, and a revert is cheaper": (
        replace(transaction(attempt()), gas=60_000), view(), late(None), False, Resend(),
    ),
    "T22 no use any more, and no block can take it": (
        transaction(attempt()), view(base_fee=4 * GWEI), late(None), False, Resend(),
    ),
    "T22 stuck at its ceiling, others wait": (
        transaction(attempt(), ceiling=3 * GWEI), view(23), late(), True,
        Cancel(Fees(2 * GWEI, 600 * GWEI), stuck=True),
    ),
    "T22 stuck though well paid: pays more all the same": (
        transaction(attempt()), view(23), late(blocks=EMPTY), True, RAISED,
    ),
    "T22 stuck alone": (transaction(attempt(), ceiling=3 * GWEI), view(23), late(), False, Resend()),
    "T26 private and over": (transaction(attempt(until=11)), view(), late(), False, Release()),
    "T26 private, and public once": (
        transaction(attempt(), attempt(until=11)), view(), late(), False, RAISED,
    ),
    "T26 private and no use any more": (transaction(attempt(until=20)), view(), late(None), False, Recall()),
    "T29 no money": (
        transaction(attempt(SendOutcome.INSUFFICIENT_FUNDS, out=False)), view(20), late(), True, Resend(),
    ),
    "T21 to be cancelled": (
        transaction(attempt(), state=State.CANCELLING), view(), None, False, Cancel(RAISED.fees),
    ),
    "T21 the no-op had no chance yet": (
        transaction(attempt(cancels=True), state=State.CANCELLING), view(10), None, False, Resend(),
    ),
    "T21 the no-op may pay more than a payload": (
        transaction(attempt(cancels=True, fees=Fees(GWEI, 300 * GWEI)), state=State.CANCELLING),
        view(), None, False, Cancel(Fees(1_100_000_001, 330 * GWEI + 1)),
    ),
    "T22 the no-op is stuck": (
        transaction(attempt(cancels=True), state=State.CANCELLING), view(23), None, True,
        Cancel(Fees(2 * GWEI, 600 * GWEI), stuck=True),
    ),
    "T21 the no-op cannot pay more": (
        transaction(attempt(cancels=True, fees=Fees(GWEI, 600 * GWEI)), state=State.CANCELLING),
        view(), None, False, Resend(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_decide__by_rule(case: str) -> None:
    sent, seen, asked, blocking, expected = CASES[case]
    assert decide(sent, seen, RULES, asked, blocking=blocking) == expected


def test_decide__no_mempool__priced_by_the_market_without_a_raise() -> None:
    rules = replace(RULES, mempool=False)
    assert decide(transaction(attempt()), view(), rules, late()) == Resend()
    risen = decide(transaction(attempt()), view(base_fee=3 * GWEI), rules, late())
    assert risen == Sign(Fees(GWEI, 7 * GWEI), GAS)


def test_decide__operator_asks_for_more__raise_is_the_operators() -> None:
    rules = replace(RULES, bump=Raise(percent=25))
    action = decide(transaction(attempt()), view(), rules, late())
    assert action == Sign(Fees(1_250_000_001, 3_750_000_001), GAS)


EXPIRED = transaction(attempt(until=11))
STAYS, FALLS_BACK = (
    Rules(max_gas_price=300 * GWEI, forgets=False),
    Rules(max_gas_price=300 * GWEI, fall_back=True),
)


@pytest.mark.parametrize(
    ("expired", "rules", "known", "expected"),
    [
        (EXPIRED, FALLS_BACK, late(), Publish()),
        (EXPIRED, FALLS_BACK, late(None), Release()),
        (EXPIRED, STAYS, late(), Cancel(RAISED.fees)),
        (transaction(attempt(SendOutcome.RETRYABLE, until=11, out=False)), STAYS, late(), Release()),
        (transaction(attempt(until=12)), FALLS_BACK, late(), RAISED),
    ],
)
def test_decide__private_and_over__by_what_the_operator_chose(
    expired: Transaction, rules: Rules, known: Late, expected: Action
) -> None:
    assert decide(expired, view(), rules, known) == expected


def test_decide__private_and_refused_while_others_wait__no_no_op_before_its_end() -> None:
    refused = transaction(attempt(SendOutcome.RETRYABLE, until=20, out=False))
    assert decide(refused, view(13), RULES, late(), blocking=True) == RAISED
