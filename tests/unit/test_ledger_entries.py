"""From transactions and receipts to ledger entries: sharing gas, money, differences."""

from dataclasses import replace

import pytest

from keeper.execute.charge import share
from keeper.execute.dispatch import Papered
from keeper.execute.model import Report, StepResult, Transaction, Verdict
from keeper.execute.states import State
from keeper.ledger.entries import paper_entries, report_entries, sent_entries
from keeper.ledger.model import Difference, Outcome, difference
from keeper.ledger.pnl import By, grouped, symbols, totals
from keeper.types import USD, Mode, checksum
from tests.execute_samples import EXECUTOR, OPERATOR, USDC, account, block_ref, sample_receipt, sample_step

STEPS = (sample_step(1), sample_step(2), sample_step(3, gas=250_000))


def transaction(state: State = State.MINED) -> Transaction:
    return Transaction(
        7, "key", 1, OPERATOR, 0, state, EXECUTOR, b"", 10**6, 10**11, 100, 1_700_001_200, STEPS
    )


def report() -> Report:
    return Report(
        transaction(),
        sample_receipt(),
        (
            StepResult(STEPS[0], Verdict.SUCCESS, 999_000_000, 524 * 10**15, 48_000_000),
            StepResult(STEPS[1], Verdict.SKIPPED, reason="unprofitable"),
            StepResult(STEPS[2], Verdict.SUCCESS, 10**9, 525 * 10**15, 50_000_000),
        ),
    )


@pytest.mark.parametrize(
    ("total", "weights"), [(900_001, [5, 5, 3]), (7, [1] * 32), (0, [1, 2]), (10, [0, 0, 0]), (1, [0, 1, 0])]
)
def test_share__any_weights__parts_add_up_and_differ_from_the_ratio_by_less_than_one(
    total: int, weights: list[int]
) -> None:
    parts = share(total, weights)
    ratios = weights if any(weights) else [1] * len(weights)
    assert sum(parts) == total
    for part, ratio in zip(parts, ratios, strict=True):
        assert abs(part * sum(ratios) - total * ratio) < sum(ratios)


def test_paper_entries__simulated_steps__paper_and_nothing_realised() -> None:
    first, *_ = paper_entries(Papered("paper:key", block_ref(100), STEPS))
    assert (first.mode, first.outcome, first.realised) == (Mode.PAPER, Outcome.PAPER, None)
    assert (first.block, first.time, first.account) == (100, 1_700_001_200, account(1))
    assert (first.expected.net_usd, first.expected.simulated) == (49 * USD, 49_000_000)
    assert difference(first) is None


@pytest.mark.parametrize(("state", "outcome"), [(State.SENT, Outcome.PENDING), (State.LOST, Outcome.LOST)])
def test_sent_entries__without_receipt__pending_or_lost(state: State, outcome: Outcome) -> None:
    assert [entry.outcome for entry in sent_entries(transaction(state))] == [outcome] * 3


def test_report_entries__mined_batch__amounts_gas_and_money_of_each_step() -> None:
    entries = report_entries(report())
    assert [entry.outcome for entry in entries] == [Outcome.SUCCESS, Outcome.SKIPPED, Outcome.SUCCESS]
    realised = [entry.realised for entry in entries if entry.realised]
    assert sum(each.gas_used for each in realised) == 900_001
    assert [each.gas_used for each in realised] == [360_000, 360_000, 180_001]
    # 360 000 gas at 2 gwei and 2000 USD an ether is 1.44 USD.
    assert [each.gas_usd for each in realised] == [144_000_000, 144_000_000, 72_000_400]
    assert [each.profit_usd for each in realised] == [48 * USD, 0, 50 * USD]
    assert [each.net_usd for each in realised] == [
        48 * USD - 144_000_000,
        -144_000_000,
        50 * USD - 72_000_400,
    ]
    assert entries[1].reason == "unprofitable"


def test_report_entries__op_stack_chain__data_fee_of_the_receipt_is_shared_and_counted() -> None:
    steps = tuple(step.costing(step.gas, step.gas * 10**9) for step in STEPS)  # as much as the gas
    results = tuple(StepResult(step, Verdict.SKIPPED) for step in steps)
    receipt = sample_receipt()._replace(data_fee=9 * 10**14)
    mined = replace(transaction(), steps=steps)
    realised = [each.realised for each in report_entries(Report(mined, receipt, results)) if each.realised]
    plain = [each.realised for each in report_entries(report()) if each.realised]
    # 0.0009 ether are 1.80 USD, on top of the gas.
    extra = [with_fee.gas_usd - without.gas_usd for with_fee, without in zip(realised, plain, strict=True)]
    assert extra == [72_000_000, 72_000_000, 36_000_000]
    assert [each.net_usd for each in realised] == [-each.gas_usd for each in realised]


def test_entries__known_prices__profit_splits_into_bonus_swap_and_gas() -> None:
    entry = report_entries(report())[0]
    expected, realised = entry.expected, entry.realised
    assert realised is not None
    # 0.525 WETH at 2000 USD for 1000 USDC; 0.524 WETH for 999 USDC.
    assert (expected.bonus_usd, realised.bonus_usd) == (50 * USD, 49 * USD)
    assert (expected.swap_usd, realised.swap_usd) == (0, -1 * USD)
    for money in (expected, realised):
        assert money.net_usd == money.bonus_usd + money.swap_usd - money.gas_usd - money.bid_usd


def test_entries__price_of_the_collateral_unknown__nothing_counts_as_bonus() -> None:
    step = replace(sample_step(1), collateral_price=0)
    (entry,) = paper_entries(Papered("paper:key", block_ref(100), (step,)))
    assert (entry.expected.bonus_usd, entry.expected.swap_usd) == (0, 50 * USD)


def test_difference__realised_entry__realised_less_expected() -> None:
    entry = report_entries(report())[0]
    assert difference(entry) == Difference(
        repaid=-1_000_000,
        seized=-(10**15),
        profit=-1_000_000,
        gas_used=-140_000,
        net_usd=48 * USD - 144_000_000 - 49 * USD,
    )


def test_report_entries__no_receipt_any_more__pending_again() -> None:
    entries = report_entries(Report(transaction(State.SENT), None, ()))
    assert {(entry.outcome, entry.realised) for entry in entries} == {(Outcome.PENDING, None)}


def test_report_entries__gas_was_planned_free__costs_nothing() -> None:
    free = sample_step(1, gas=0)
    one = Transaction(8, "k", 1, OPERATOR, 0, State.MINED, EXECUTOR, b"", 1, 1, 1, 1, (free,))
    (entry,) = report_entries(Report(one, sample_receipt(), (StepResult(free, Verdict.REVERTED),)))
    assert entry.realised is not None
    assert (entry.realised.gas_used, entry.realised.gas_usd) == (900_001, 0)


def test_totals__paper_and_live_together__never_mixed() -> None:
    entries = report_entries(report()) + paper_entries(Papered("paper:key", block_ref(100), STEPS))
    live, paper = totals(entries, Mode.LIVE), totals(entries, Mode.PAPER)
    assert live.outcomes == {Outcome.SUCCESS: 2, Outcome.SKIPPED: 1}
    assert live.profits == {USDC.address: 98_000_000}
    assert live.gross_usd == 98 * USD
    assert live.net_usd == live.gross_usd - live.gas_usd == 98 * USD - 360_000_400
    assert live.gas_used == 900_001
    assert paper.outcomes == {Outcome.PAPER: 3}
    assert (paper.gross_usd, paper.gas_usd, paper.net_usd) == (0, 0, 0)
    assert paper.expected_net_usd == 3 * 49 * USD


def test_symbols__entries_with_and_without_one__named_as_their_groups_are() -> None:
    known, unknown = sample_step(1), replace(sample_step(2), debt=OPERATOR, debt_symbol="")
    entries = paper_entries(Papered("paper:1", block_ref(1), (known, unknown)))
    assert known.debt_symbol == "USDC"
    assert symbols(entries) == {checksum(known.debt): "USDC"}
    assert grouped(entries, Mode.PAPER, By.ASSET).keys() == {checksum(known.debt), checksum(OPERATOR)}
