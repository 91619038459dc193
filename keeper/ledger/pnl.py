"""Profit and loss over ledger entries. Paper and live never add up: totals are per mode."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keeper.ledger.model import LedgerEntry, Outcome
from keeper.types import Address, Mode


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the entries of one mode. USD with 8 decimals, `profits` by debt asset in token units.

    `expected_net_usd` covers every entry; the realised sums cover what is on chain, so for paper
    they are zero. Gas of skipped and reverted liquidations counts: it was paid.
    """

    outcomes: Mapping[Outcome, int]
    profits: Mapping[Address, int]
    gross_usd: int
    gas_usd: int
    net_usd: int
    gas_used: int
    expected_net_usd: int


def totals(entries: Iterable[LedgerEntry], mode: Mode) -> Totals:
    """Add up the entries of `mode`."""
    chosen = [entry for entry in entries if entry.mode is mode]
    realised = [(entry.debt, entry.realised) for entry in chosen if entry.realised is not None]
    profits: Counter[Address] = Counter()
    for debt, each in realised:
        profits[debt] += each.profit
    return Totals(
        outcomes=Counter(entry.outcome for entry in chosen),
        profits=profits,
        gross_usd=sum(each.profit_usd for _, each in realised),
        gas_usd=sum(each.gas_usd for _, each in realised),
        net_usd=sum(each.net_usd for _, each in realised),
        gas_used=sum(each.gas_used for _, each in realised),
        expected_net_usd=sum(entry.expected.net_usd for entry in chosen),
    )
