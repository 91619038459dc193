"""`keeper ledger`: what was tried, what it promised, what it brought."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from keeper.app.records import entry_fields
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table, usd
from keeper.cli.setup import read_config
from keeper.config.model import Config
from keeper.ledger.model import LedgerEntry, Outcome
from keeper.ledger.pnl import totals
from keeper.ledger.store import Ledger
from keeper.store import Database
from keeper.types import Mode, borrower, checksum

SHOWN = 25


def ledger(
    config: ConfigOption = None,
    json: JsonOption = False,
    outcome: Annotated[list[Outcome] | None, typer.Option(help="Only these; may be repeated.")] = None,
    limit: Annotated[int | None, typer.Option(help="Show at most this many.", min=1)] = None,
) -> None:
    """Attempts, outcomes, profit and loss, newest first."""
    settings = read_config(config)
    entries = asyncio.run(_entries(settings, outcome or [], limit if json or limit else None))
    if json:
        print_json([entry_fields(entry) for entry in entries])
    else:
        _print(entries, limit or SHOWN)


async def _entries(config: Config, outcomes: list[Outcome], limit: int | None) -> list[LedgerEntry]:
    async with await Database.open(config.store.url.reveal()) as database:
        return await Ledger(database).entries(outcomes=outcomes, limit=limit)


def _print(entries: list[LedgerEntry], limit: int) -> None:
    table = Table(title=f"{len(entries)} liquidations tried")
    for name in ("time", "deployment", "account", "outcome"):
        table.add_column(name)
    for name in ("expected net", "realised net", "gas"):
        table.add_column(name, justify="right")
    table.add_column("note")
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
        counts = ", ".join(f"{count} {outcome.value}" for outcome, count in sums.outcomes.items())
        result = f", realised {usd(sums.net_usd)} after {usd(sums.gas_usd)} gas" if mode is Mode.LIVE else ""
        print_table(f"{mode.value}: {counts}; expected {usd(sums.expected_net_usd)}{result}")
