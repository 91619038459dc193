"""`keeper audit`: the index against the protocol's own view."""

import random
from typing import Annotated

import typer

from keeper.app.records import audit_fields
from keeper.app.view import View
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table
from keeper.cli.reading import read
from keeper.errors import ConfigError
from keeper.index.audit import Audit, Auditor
from keeper.protocols.base import Market
from keeper.types import borrower, checksum, counted

MISMATCH = 1
SLICE = 500
"""Accounts compared in one conversation: bounds memory, not the result."""


def audit(
    config: ConfigOption = None,
    json: JsonOption = False,
    sample: Annotated[str, typer.Option(help='How many accounts, or "all".')] = "all",
    block: Annotated[int | None, typer.Option(help="As of this block instead of the latest.", min=0)] = None,
) -> None:
    """Compare accounts and every reserve with the chain at one block; exit 1 on a mismatch."""
    wanted = _wanted(sample)

    async def compare(view: View) -> None:
        found = [(market, await _audit(view, market, wanted)) for market in view.markets]
        mismatches = sum(len(result.differences) for _, result in found)
        if json:
            details = [
                {"deployment": market.deployment, **detail}
                for market, result in found
                for detail in audit_fields(market.deployment, result)["details"]
            ]
            checked = sum(result.checked for _, result in found)
            print_json(
                {
                    "block": view.block.number,
                    "checked": checked,
                    "mismatches": mismatches,
                    "details": details,
                }
            )
        for market, result in () if json else found:
            _print(market, result)
        if mismatches:
            raise typer.Exit(MISMATCH)

    read(config, block, compare)


def _wanted(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f'--sample {text!r}: not a number above 0; write e.g. --sample 100 or "all"')
    return int(text)


async def _audit(view: View, market: Market, wanted: int | None) -> Audit:
    accounts = list(market.book.accounts())
    if wanted is not None and wanted < len(accounts):
        accounts = random.SystemRandom().sample(accounts, wanted)
    auditor = Auditor(view.chain, SLICE)
    parts = [await auditor.compare(market, view.block, [], reserves=True)]
    for start in range(0, len(accounts), SLICE):
        chosen = accounts[start : start + SLICE]
        parts.append(await auditor.compare(market, view.block, chosen, reserves=False))
    differences = [difference for part in parts for difference in part.differences]
    return Audit(view.block, sum(part.checked for part in parts), differences)


def _print(market: Market, result: Audit) -> None:
    verdict = (
        counted(len(result.differences), "mismatch", "mismatches") if result.differences else "no mismatch"
    )
    print_table(f"{market.deployment} at block {result.block.number}: {result.checked} compared, {verdict}")
    for difference in result.differences:
        where = f"{checksum(borrower(difference.subject))} {difference.field}"
        print_table(f"  {where}: book {difference.book}, chain {difference.chain}")
