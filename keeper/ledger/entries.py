"""The execute stage's messages as ledger entries."""

from dataclasses import replace
from typing import Any

from keeper.execute.charge import share
from keeper.execute.dispatch import Papered
from keeper.execute.model import Report, Step, StepResult, Transaction
from keeper.execute.states import State
from keeper.ledger.model import Expected, LedgerEntry, Outcome, Realised
from keeper.ports import Receipt
from keeper.types import Mode

GIVEN_UP = {
    State.LOST: Outcome.LOST,
    State.DROPPED: Outcome.DROPPED,
    State.CANCELLED: Outcome.CANCELLED,
}


def paper_entries(papered: Papered) -> list[LedgerEntry]:
    """One entry a step that would have been sent."""
    return [
        LedgerEntry(
            batch=papered.key,
            step=number,
            mode=Mode.PAPER,
            time=papered.block.timestamp,
            block=papered.block.number,
            expected=_expected(step),
            outcome=Outcome.PAPER,
            **_subject(step),
        )
        for number, step in enumerate(papered.steps)
    ]


def sent_entries(transaction: Transaction) -> list[LedgerEntry]:
    """One entry a step of a transaction whose payload has no receipt: pending, or given up."""
    outcome = GIVEN_UP.get(transaction.state, Outcome.PENDING)
    return [
        LedgerEntry(
            batch=transaction.key,
            step=number,
            mode=Mode.LIVE,
            time=transaction.time,
            block=transaction.created,
            expected=_expected(step),
            outcome=outcome,
            **_subject(step),
        )
        for number, step in enumerate(transaction.steps)
    ]


def report_entries(report: Report) -> list[LedgerEntry]:
    """One entry a step as its transaction stands now; the transaction's gas and data fee are shared."""
    transaction, receipt, results = report
    entries = sent_entries(transaction)
    if receipt is None:
        return entries
    gas = share(receipt.gas_used, [step.gas for step in transaction.steps])
    data = share(receipt.data_fee, [step.data_fee for step in transaction.steps])
    return [
        replace(
            entry,
            outcome=Outcome(result.verdict),
            realised=_realised(result, receipt, *shares),
            reason=result.reason,
        )
        for entry, result, *shares in zip(entries, results, gas, data, strict=True)
    ]


def _realised(result: StepResult, receipt: Receipt, gas_used: int, data_fee: int) -> Realised:
    step = result.step
    wei = gas_used * receipt.gas_price + data_fee
    # The plan's own estimate carries the price of the native coin; costs round up.
    gas_usd = -(-wei * step.gas_usd // step.cost) if step.cost else 0
    profit_usd = step.usd(result.profit)
    return Realised(
        tx_hash=receipt.tx_hash,
        block=receipt.block,
        repaid=result.repaid,
        seized=result.seized,
        profit=result.profit,
        profit_usd=profit_usd,
        gas_used=gas_used,
        gas_price=receipt.gas_price,
        gas_usd=gas_usd,
        net_usd=profit_usd - gas_usd,
        bid=result.bid,
        bid_usd=step.usd(result.bid),
        bonus_usd=step.bonus_usd(result.repaid, result.seized),
    )


def _expected(step: Step) -> Expected:
    return Expected(
        repay=step.repay,
        seize=step.seize,
        protocol_fee=step.protocol_fee,
        simulated=step.simulated,
        gross_usd=step.gross_usd,
        gas=step.gas,
        gas_usd=step.gas_usd,
        net_usd=step.net_usd,
        bid=step.bid,
        bid_usd=step.usd(step.bid),
        bonus_usd=step.bonus_usd(step.repay, step.seize),
        debt_symbol=step.debt_symbol,
    )


def _subject(step: Step) -> dict[str, Any]:
    return {
        "deployment": step.deployment,
        "account": step.account,
        "debt": step.debt,
        "collateral": step.collateral,
    }
