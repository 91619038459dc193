"""Writes what was tried into the ledger, and says it as event fields."""

from collections.abc import Iterable, Sequence
from typing import Any

from keeper.execute.dispatch import Papered, Submitted
from keeper.execute.latency import Stopwatch
from keeper.execute.model import Report
from keeper.execute.states import State
from keeper.index.audit import Audit
from keeper.ledger.entries import paper_entries, report_entries, sent_entries
from keeper.ledger.latency import Latencies
from keeper.ledger.missed import Missed, MissLedger
from keeper.ledger.model import Expected, LedgerEntry, Outcome, Realised
from keeper.ledger.store import Ledger
from keeper.ops.metrics import Metrics, ProfitKind, TransactionOutcome
from keeper.plan.model import Rejection
from keeper.store import Database
from keeper.types import borrower, checksum, section

Fields = dict[str, Any]


GIVEN_UP = {
    State.LOST: TransactionOutcome.LOST,
    State.DROPPED: TransactionOutcome.DROPPED,
    State.CANCELLED: TransactionOutcome.CANCELLED,
}


class Records:
    """The ledger's writer. Each method returns the event fields of what it wrote."""

    def __init__(
        self,
        ledger: Ledger,
        missed: MissLedger,
        metrics: Metrics,
        stopwatch: Stopwatch,
        latencies: Latencies,
        *,
        database: Database,
    ) -> None:
        self._ledger = ledger
        self._missed = missed
        self._metrics = metrics
        self._stopwatch = stopwatch
        self._latencies = latencies
        self._database = database

    async def papered(self, papered: Papered) -> list[Fields]:
        """Liquidations that were simulated and not sent."""
        return [entry_fields(entry) for entry in await self._ledger.record(paper_entries(papered))]

    async def submitted(self, submitted: Submitted) -> list[Fields]:
        """Liquidations on their way."""
        entries = await self._ledger.record(sent_entries(submitted.transaction))
        for entry in entries:
            self._metrics.add_profit(ProfitKind.EXPECTED, entry.expected.net_usd)
        hashes = [attempt.hash for attempt in submitted.transaction.attempts]
        return [{**entry_fields(entry), "tx_hash": hashes[-1] if hashes else None} for entry in entries]

    async def settled(self, reports: Iterable[Report]) -> list[Fields]:
        """Transactions that moved: mined, reorganised out, or lost. Each outcome is told once."""
        told: list[Fields] = []
        for report in reports:
            if report.receipt is not None:
                self._stopwatch.mined(report.receipt.tx_hash, report.receipt.block)
            news = await self._ledger.record(report_entries(report))
            if news:
                self._count(report, news)
            told += [entry_fields(entry) for entry in news if entry.outcome is not Outcome.PENDING]
        return told

    async def rest(self) -> None:
        """What nobody waits for: keep how long attempts took, and let the database see to itself."""
        await self._latencies.record(self._stopwatch.drain())
        await self._database.rest()

    async def missed(self, found: Sequence[Missed]) -> list[Fields]:
        """Liquidations that others made."""
        news = await self._missed.record(found)
        for each in news:
            self._metrics.missed.labels(each.why.value).inc()
        return [missed_fields(each) for each in news]

    def _count(self, report: Report, news: Iterable[LedgerEntry]) -> None:
        given_up = GIVEN_UP.get(report.transaction.state)
        if given_up is not None:
            self._metrics.transactions.labels(given_up.value).inc()
        if report.receipt is not None:
            good = report.receipt.succeeded
            outcome = TransactionOutcome.SUCCESS if good else TransactionOutcome.REVERTED
            self._metrics.transactions.labels(outcome.value).inc()
            receipt = report.receipt
            self._metrics.gas_wei.inc(receipt.gas_used * receipt.gas_price + receipt.data_fee)
        for entry in news:
            if entry.realised is not None:
                self._metrics.add_profit(ProfitKind.REALISED, entry.realised.net_usd)


def entry_fields(entry: LedgerEntry) -> Fields:
    """A ledger entry as JSON fields; amounts are decimal strings."""
    expected, realised = entry.expected, entry.realised
    fields: Fields = {
        "batch": entry.batch,
        "mode": entry.mode.value,
        "time": entry.time,
        "block": entry.block,
        "deployment": entry.deployment,
        "market": section(entry.account),
        "account": checksum(borrower(entry.account)),
        "debt_asset": checksum(entry.debt),
        "collateral_asset": checksum(entry.collateral),
        "outcome": entry.outcome.value,
        "expected": {
            "repay": str(expected.repay),
            "seize": str(expected.seize),
            "protocol_fee": str(expected.protocol_fee),
            "profit": str(expected.simulated),
            "bid": str(expected.bid),
            "gas": expected.gas,
            **_split(expected),
        },
    }
    if realised is not None:
        fields["realised"] = {
            "tx_hash": realised.tx_hash,
            "block": realised.block,
            "repaid": str(realised.repaid),
            "seized": str(realised.seized),
            "profit": str(realised.profit),
            "profit_usd": str(realised.profit_usd),
            "bid": str(realised.bid),
            "gas": realised.gas_used,
            **_split(realised),
        }
    if entry.reason and entry.outcome is not Outcome.SUCCESS:
        fields["reason"] = entry.reason
    return fields


def _split(money: Expected | Realised) -> Fields:
    """Where a net profit comes from and goes to: net = bonus + swap - gas - bid."""
    return {
        "bonus_usd": str(money.bonus_usd),
        "swap_usd": str(money.swap_usd),
        "gas_usd": str(money.gas_usd),
        "bid_usd": str(money.bid_usd),
        "net_usd": str(money.net_usd),
    }


def missed_fields(missed: Missed) -> Fields:
    """A liquidation by another as JSON fields; amounts are decimal strings."""
    return {
        "time": missed.time,
        "block": missed.block,
        "tx_hash": missed.tx_hash,
        "deployment": missed.deployment,
        "market": section(missed.account),
        "account": checksum(borrower(missed.account)),
        "debt_asset": checksum(missed.debt),
        "collateral_asset": checksum(missed.collateral),
        "repaid": str(missed.repaid),
        "seized": str(missed.seized),
        "liquidator": checksum(missed.liquidator),
        "bonus_usd": str(missed.bonus_usd),
        "why": missed.why.value,
        "detail": missed.detail,
    }


def rejection_fields(rejection: Rejection) -> Fields:
    """A rejection as JSON fields."""
    return {
        "block": rejection.block.number,
        "deployment": rejection.deployment,
        "market": section(rejection.account),
        "account": checksum(borrower(rejection.account)),
        "reason": rejection.reason.value,
        "detail": rejection.detail,
    }


def audit_fields(deployment: str, audit: Audit) -> Fields:
    """An audit as JSON fields; values are decimal strings."""
    return {
        "deployment": deployment,
        "block": audit.block.number,
        "checked": audit.checked,
        "mismatches": len(audit.differences),
        "details": [
            {
                "market": section(difference.subject),
                "subject": checksum(borrower(difference.subject)),
                "field": difference.field,
                "book": str(difference.book),
                "chain": str(difference.chain),
                "healed": difference.subject in audit.healed,
            }
            for difference in audit.differences
        ],
    }
