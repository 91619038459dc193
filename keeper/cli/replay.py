"""`keeper replay`: recorded runs of real contracts through the index, health and planning code."""

from pathlib import Path
from typing import Annotated

import typer

from keeper.cli.options import JsonOption
from keeper.cli.output import make_table, print_json, print_table
from keeper.sim.replay import Replayed
from keeper.sim.replay import replay as replay_file

MISMATCH = 1

FilesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...", help="Recorded runs, gzipped JSON (format: docs/adding-a-protocol.md)."
    ),
]


def replay(files: FilesArgument, json: JsonOption = False) -> None:
    """Compare every checkpoint and liquidation of recorded runs with what the keeper derives."""
    results = []
    for file in files:
        result = replay_file(file)
        results.append(result)
        if json:
            print_json(_document(result))
    if not json:
        _print(results)
    if any(result.mismatches for result in results):
        raise typer.Exit(MISMATCH)


def _document(result: Replayed) -> dict[str, object]:
    return {
        "file": result.file,
        "snapshots": result.snapshots,
        "liquidations": result.liquidations,
        "mismatches": result.mismatches,
        "first_mismatch": result.first_mismatch,
    }


def _print(results: list[Replayed]) -> None:
    table = make_table("", ("file",), ("snapshots", "liquidations", "numbers", "mismatches"))
    for result in results:
        counts = (result.snapshots, result.liquidations, result.checks, result.mismatches)
        style = "red" if result.mismatches else None
        table.add_row(Path(result.file).name, *(f"{count:,}" for count in counts), style=style)
    print_table(table)
    for result in results:
        if result.first_mismatch:
            print_table(f"{result.file}: {result.first_mismatch}")
