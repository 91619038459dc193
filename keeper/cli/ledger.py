"""`keeper ledger`: what was tried, what it promised, what it brought, and what others took."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from keeper.app.records import entry_fields, missed_fields
from keeper.cli.latency import attempt_fields, print_latencies
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import make_table, print_json, print_table, usd
from keeper.cli.setup import read_config
from keeper.config.model import Config
from keeper.errors import ConfigError
from keeper.execute.latency import Latency
from keeper.ledger.export import write_csv, write_parquet
from keeper.ledger.latency import Latencies
from keeper.ledger.missed import Missed, MissLedger
from keeper.ledger.model import LedgerEntry, Outcome
from keeper.ledger.pnl import By, Totals, grouped, symbols, totals
from keeper.ledger.store import Ledger
from keeper.store import Database
from keeper.types import Mode, borrower, checksum, counted

SHOWN = 25
Sums = Mapping[Mode, Mapping[str, Totals]]


def ledger(  # noqa: PLR0917 - each is an option of the command line
    config: ConfigOption = None,
    json: JsonOption = False,
    outcome: Annotated[list[Outcome] | None, typer.Option(help="Only these; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(help="Show at most this many.", min=1)] = None,
    by: Annotated[By | None, typer.Option(help="Sums instead of single liquidations.")] = None,
    missed: Annotated[bool, typer.Option("--missed", help="What others liquidated, and why not we.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this file.")] = None,
    parquet: Annotated[
        Path | None, typer.Option(help="The same as Parquet; needs the extra `parquet`.")
    ] = None,
) -> None:
    """Attempts, outcomes, profit and loss, newest first."""
    if missed and (by or outcome):
        raise ConfigError("--missed: cannot be combined with --by or --outcome; leave these out")
    settings = read_config(config)
    give = partial(_give, json=json, csv=csv, parquet=parquet)
    if missed:
        found = asyncio.run(_missed(settings, limit))
        if not give([missed_fields(each) for each in found]):
            _print_missed(found, limit or SHOWN)
        return
    entries, latencies = asyncio.run(_entries(settings, outcome or [], limit))
    if by:
        sums = {mode: grouped(entries, mode, by) for mode in (Mode.LIVE, Mode.PAPER)}
        if not give(_sum_fields(sums, by)):
            _print_sums(sums, by, symbols(entries))
    elif not give([_fields(entry, latencies) for entry in entries]):
        _print(entries, limit or SHOWN)
        print_latencies(latencies)


async def _entries(
    config: Config, outcomes: list[Outcome], limit: int | None
) -> tuple[list[LedgerEntry], dict[str, list[Latency]]]:
    """Entries, and by their batches how long the attempts took."""
    async with await Database.open(config.store.url.reveal()) as database:
        entries = await Ledger(database).entries(outcomes=outcomes, limit=limit)
        return entries, await Latencies(database).by_batch(entry.batch for entry in entries)


def _fields(entry: LedgerEntry, latencies: Mapping[str, Sequence[Latency]]) -> dict[str, Any]:
    return {**entry_fields(entry), "attempts": attempt_fields(latencies.get(entry.batch, ()))}


async def _missed(config: Config, limit: int | None) -> list[Missed]:
    async with await Database.open(config.store.url.reveal()) as database:
        return await MissLedger(database).entries(limit)


def _give(rows: Sequence[Mapping[str, Any]], *, json: bool, csv: Path | None, parquet: Path | None) -> bool:
    """Hand the rows to machines, if any want them."""
    for file, write in ((csv, write_csv), (parquet, write_parquet)):
        if file:
            written = write(file, rows)
            if not json:
                print_table(f"{counted(written, 'row')} written to {file}")
    if json:
        print_json(rows)
    return json or csv is not None or parquet is not None


def _print(entries: list[LedgerEntry], limit: int) -> None:
    if not entries:
        print_table("Nothing was tried.")
        return
    title = f"The newest {counted(min(limit, len(entries)), 'liquidation')} tried"
    words = ("time", "deployment", "account", "outcome")
    table = make_table(title, words, ("expected net", "realised net", "gas"), ("note",))
    for entry in entries[:limit]:
        realised = entry.realised
        table.add_row(
            datetime.fromtimestamp(entry.time, UTC).strftime("%Y-%m-%d %H:%M:%S"),
            entry.deployment,
            checksum(borrower(entry.account)),
            entry.outcome.value,
            usd(entry.expected.net_usd),
            usd(realised.net_usd) if realised else "",
            usd(realised.gas_usd) if realised else "",
            entry.reason,
        )
    print_table(table)
    for mode in (Mode.LIVE, Mode.PAPER):
        sums = totals(entries, mode)
        if not sums.outcomes:
            continue
        result = f", realised {usd(sums.net_usd)} after {usd(sums.gas_usd)} gas" if mode is Mode.LIVE else ""
        print_table(f"{mode.value}: {_counts(sums)}; expected {usd(sums.expected_net_usd)}{result}")


def _counts(sums: Totals) -> str:
    return ", ".join(f"{count} {outcome.value}" for outcome, count in sums.outcomes.items())


def _sum_fields(sums: Sums, by: By) -> list[dict[str, Any]]:
    return [
        {
            by.value: name,
            "mode": mode.value,
            "outcomes": {outcome.value: count for outcome, count in each.outcomes.items()},
            "expected_net_usd": str(each.expected_net_usd),
            "gross_usd": str(each.gross_usd),
            "gas_usd": str(each.gas_usd),
            "net_usd": str(each.net_usd),
        }
        for mode, groups in sums.items()
        for name, each in groups.items()
    ]


def _print_sums(sums: Sums, by: By, symbols: Mapping[str, str]) -> None:
    if not any(sums.values()):
        print_table("Nothing was tried.")
        return
    words, numbers = (by.value, "mode", "outcomes"), ("expected net", "gross", "gas", "net")
    table = make_table(f"by {by.value}", words, numbers)
    for mode, groups in sums.items():
        for name, each in groups.items():
            money = (each.expected_net_usd, each.gross_usd, each.gas_usd, each.net_usd)
            shown = f"{symbols[name]} {name}" if name in symbols else name
            table.add_row(shown, mode.value, _counts(each), *map(usd, money))
    print_table(table)


def _print_missed(found: Sequence[Missed], limit: int) -> None:
    if not found:
        print_table("Others liquidated nothing that was seen.")
        return
    title = f"{counted(len(found), 'liquidation')} by others"
    words = ("block", "deployment", "account", "liquidator")
    table = make_table(title, words, ("bonus",), ("why not we",))
    for each in found[:limit]:
        names = (checksum(borrower(each.account)), checksum(each.liquidator))
        why = f"{each.why.value}: {each.detail}"
        table.add_row(str(each.block), each.deployment, *names, usd(each.bonus_usd), why)
    print_table(table)
