"""How long attempts took, as `keeper ledger` shows it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keeper.cli.output import print_table
from keeper.execute.latency import Latency
from keeper.ledger.latency import spreads
from keeper.types import counted

SUMMARY = {"decided": "decided", "signed": "signed", "sent": "sent", "mined": "seen mined"}


def attempt_fields(found: Iterable[Latency]) -> list[dict[str, Any]]:
    """Attempts of one transaction as JSON fields: milliseconds since the head of `block` was seen.

    `blocks` is how many later than `block` the attempt was mined.
    """
    return [
        {
            "tx_hash": each.tx_hash,
            "block": each.block,
            "decided_ms": each.decided,
            "signed_ms": each.signed,
            "sent_ms": each.sent,
            "mined_ms": each.mined,
            "blocks": each.blocks,
        }
        for each in found
    ]


def print_latencies(found: Mapping[str, Sequence[Latency]]) -> None:
    """One line of percentiles of first attempts, nothing where there are none."""
    summary = spreads(each for attempts in found.values() for each in attempts)
    told = [
        f"{word} {summary[stage].p50:,.1f} / {summary[stage].p99:,.1f} ms"
        for stage, word in SUMMARY.items()
        if stage in summary
    ]
    if "blocks" in summary:
        told.append(f"mined {summary['blocks'].p50:.0f} / {summary['blocks'].p99:.0f} blocks later")
    if told:
        count = summary["decided"].size
        print_table(f"from the head, p50 / p99 of {counted(count, 'transaction')}: {', '.join(told)}")
