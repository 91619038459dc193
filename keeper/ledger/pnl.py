"""Profit and loss over ledger entries. Paper and live never add up: totals are per mode."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from keeper.ledger.model import LedgerEntry, Outcome
from keeper.types import Address, Mode, checksum, section


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


class By(StrEnum):
    """What sums are made for."""

    DAY = "day"
    MARKET = "market"
    ASSET = "asset"


def grouped(entries: Iterable[LedgerEntry], mode: Mode, by: By) -> dict[str, Totals]:
    """Totals of `mode` for each day (UTC), market or debt asset, in the order first met."""
    groups: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        if entry.mode is mode:
            groups.setdefault(_group(entry, by), []).append(entry)
    return {name: totals(group, mode) for name, group in groups.items()}


def _group(entry: LedgerEntry, by: By) -> str:
    match by:
        case By.DAY:
            return datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%d")
        case By.MARKET:
            market = section(entry.account)
            return f"{entry.deployment} {market}" if market else entry.deployment
        case By.ASSET:
            return checksum(entry.debt)


def symbols(entries: Iterable[LedgerEntry]) -> dict[str, str]:
    """Symbols of the debt assets by the names that `grouped` gives their groups, as far as they were kept."""
    return {checksum(each.debt): each.expected.debt_symbol for each in entries if each.expected.debt_symbol}


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
