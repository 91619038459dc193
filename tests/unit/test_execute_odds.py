"""A liquidation that failed on chain is tried again only where that pays."""

from dataclasses import replace

import pytest

from keeper.execute.model import Report, StepResult, Transaction, Verdict
from keeper.execute.odds import Odds
from keeper.execute.states import State
from keeper.plan.model import Plan, Reason
from keeper.types import USD
from tests.execute_samples import EXECUTOR, OPERATOR, sample_plan, sample_receipt, sample_step

DUST = "0xb629b0e4"
"""MustNotLeaveDust() of Aave."""


def report(number: int, verdict: Verdict, state: State = State.MINED, reason: str = "") -> Report:
    step = sample_step(1)
    transaction = Transaction(
        number, f"key {number}", 1, OPERATOR, number, state, EXECUTOR, b"", 1, 1, 100, 1, (step,)
    )
    return Report(transaction, sample_receipt(), (StepResult(step, verdict, reason=reason),))


def paying(net_usd: int) -> Plan:
    """A plan whose gas costs one dollar."""
    plan = sample_plan(1)
    return replace(plan, profit=replace(plan.profit, net_usd=net_usd, gas_usd=USD))


@pytest.mark.parametrize("failures", [1, 2, 5])
def test_sift__after_failures__asks_for_more_than_the_risk(failures: int) -> None:
    odds = Odds()
    odds.learn(report(number, Verdict.REVERTED) for number in range(failures))
    enough, too_little = paying((failures + 1) * USD + 1), paying((failures + 1) * USD)
    assert odds.sift([enough]) == ([enough], [])
    kept, (dropped,) = odds.sift([too_little])
    assert kept == []
    assert (dropped.reason, dropped.account, dropped.best) == (
        Reason.FAILED_BEFORE,
        too_little.account,
        too_little,
    )


def test_sift__without_failures__keeps_everything() -> None:
    assert Odds().sift([paying(1)]) == ([paying(1)], [])


@pytest.mark.parametrize("reason", [DUST, "103", "0x3b77f101"])
def test_learn__the_size_was_wrong_by_then__another_try_is_free_once(reason: str) -> None:
    odds = Odds()
    odds.learn([report(1, Verdict.SKIPPED, reason=reason)])
    assert odds.sift([paying(1)]) == ([paying(1)], [])
    odds.learn([report(2, Verdict.SKIPPED, reason=reason)])
    assert odds.sift([paying(2 * USD)])[1] != [], "the figures of the account are wrong"
    odds.learn([report(3, Verdict.SUCCESS), report(4, Verdict.SKIPPED, reason=reason)])
    assert odds.sift([paying(1)])[1] == []


def test_learn__somebody_was_faster__asks_for_more_than_the_risk() -> None:
    odds = Odds()
    odds.learn([report(1, Verdict.SKIPPED, reason="the account is healthy")])
    assert odds.sift([paying(2 * USD)])[1] != []


def test_learn__the_same_transaction_again__counts_once() -> None:
    odds = Odds()
    for state in (State.MINED, State.CONFIRMED, State.FINAL):
        odds.learn([report(1, Verdict.SKIPPED, state)])
    assert odds.sift([paying(2 * USD + 1)])[1] == []


def test_learn__a_success__forgets_the_failures() -> None:
    odds = Odds()
    odds.learn([report(1, Verdict.REVERTED), report(2, Verdict.SUCCESS)])
    assert odds.sift([paying(1)])[1] == []


def test_learn__reorganised_out_and_mined_again__counts_again() -> None:
    odds = Odds()
    mined = report(1, Verdict.REVERTED)
    odds.learn([mined, mined._replace(receipt=None, results=()), mined])
    assert odds.sift([paying(2 * USD + 1)])[1] != []
