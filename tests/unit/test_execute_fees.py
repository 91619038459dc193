"""Fee arithmetic: first quotes, replacements that mempools take, ceilings."""

import pytest

from keeper.execute.attempts import next_fees
from keeper.execute.fees import break_even_price, bumped_fees, first_fees
from keeper.execute.model import Attempt, Fees, Transaction
from keeper.execute.states import State
from keeper.ports import SendOutcome
from keeper.types import Hash
from tests.execute_samples import EXECUTOR, OPERATOR, sample_step

GWEI = 10**9


def test_first_fees__room_below_the_ceiling__cap_is_tip_and_twice_the_base_fee() -> None:
    assert first_fees(2 * GWEI, 30 * GWEI, 300 * GWEI) == Fees(2 * GWEI, 62 * GWEI)


def test_first_fees__ceiling_in_the_way__cap_stops_there() -> None:
    assert first_fees(2 * GWEI, 30 * GWEI, 40 * GWEI) == Fees(2 * GWEI, 40 * GWEI)
    assert first_fees(50 * GWEI, 30 * GWEI, 40 * GWEI) == Fees(40 * GWEI, 40 * GWEI)


def test_first_fees__ceiling_at_the_base_fee__none() -> None:
    assert first_fees(2, 30, 30) is None


@pytest.mark.parametrize(
    "previous", [Fees(0, 0), Fees(0, 7), Fees(1, 9), Fees(2 * GWEI, 62 * GWEI), Fees(5, 5)]
)
def test_bumped_fees__any_previous__both_fields_rise_by_a_tenth_and_a_wei(previous: Fees) -> None:
    fees = bumped_fees(previous, 0, 0, 10**30)
    assert fees is not None
    assert fees.tip * 10 >= previous.tip * 11 + 10
    assert fees.cap * 10 >= previous.cap * 11 + 10
    assert fees.tip <= fees.cap


def test_bumped_fees__base_fee_rose__follows_the_fresh_quote() -> None:
    assert bumped_fees(Fees(GWEI, 3 * GWEI), 2 * GWEI, 50 * GWEI, 300 * GWEI) == Fees(2 * GWEI, 102 * GWEI)


def test_bumped_fees__fresh_quote_above_the_ceiling__stops_there() -> None:
    assert bumped_fees(Fees(GWEI, 3 * GWEI), 2 * GWEI, 50 * GWEI, 60 * GWEI) == Fees(2 * GWEI, 60 * GWEI)


def test_bumped_fees__least_raise_above_the_ceiling__none() -> None:
    assert bumped_fees(Fees(GWEI, 100 * GWEI), GWEI, GWEI, 110 * GWEI) is None
    assert bumped_fees(Fees(GWEI, 100 * GWEI), GWEI, GWEI, 110 * GWEI + 1) is not None


def test_break_even_price__batch_of_two__gas_at_that_price_costs_the_profit() -> None:
    steps = [sample_step(1, simulated=49_000_000), sample_step(2, simulated=1_000_000)]
    price = break_even_price(steps, 1_000_000)
    # 50 USD at 2000 USD an ether is 0.025 ether.
    assert price == 25 * 10**15 // 1_000_000


def test_break_even_price__gas_is_free__no_limit() -> None:
    assert break_even_price([sample_step(gas=0)], 1_000_000) is None


def transaction(*attempts: Attempt) -> Transaction:
    return Transaction(
        1, "key", 1, OPERATOR, 0, State.SENT, EXECUTOR, b"", 10**6, 100 * GWEI, 9, 0, (), attempts
    )


def attempt(outcome: SendOutcome, block: int = 10) -> Attempt:
    return Attempt(0, Hash("0x"), b"", Fees(GWEI, 3 * GWEI), block, outcome)


@pytest.mark.parametrize(
    ("outcome", "overdue", "again"),
    [
        (SendOutcome.ACCEPTED, 9, False),
        (SendOutcome.ACCEPTED, 10, True),
        (SendOutcome.UNKNOWN, 10, True),
        (SendOutcome.UNDERPRICED, 9, True),
        (SendOutcome.REPLACEMENT_UNDERPRICED, 9, True),
        (SendOutcome.INSUFFICIENT_FUNDS, 20, False),
        (SendOutcome.RETRYABLE, 9, False),
    ],
)
def test_next_fees__answer_and_age__decide_about_another_attempt(
    outcome: SendOutcome, overdue: int, again: bool
) -> None:
    fees = next_fees(transaction(attempt(outcome)), tip=GWEI, base_fee=GWEI, overdue=overdue)
    assert (fees is not None) is again


def test_next_fees__nothing_signed_and_gas_beyond_the_ceiling__pays_the_ceiling() -> None:
    assert next_fees(transaction(), tip=GWEI, base_fee=200 * GWEI, overdue=0) == Fees(0, 100 * GWEI)
