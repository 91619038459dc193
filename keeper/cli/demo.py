"""`keeper demo`: a local market, a crash, and the keeper at work."""

import asyncio
import io
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json
from keeper.demo.report import render, summary
from keeper.demo.story import Story, play

NOTHING_DONE = 1
STAGES = {
    "anvil": "starting Anvil",
    "market": "deploying Aave v3.6 (the first time compiles it, about 20 s)",
    "exchange": "deploying Uniswap v3 with liquidity",
    "borrowers": "opening positions",
    "arbitrageur": "hiring an arbitrageur",
    "executor": "deploying the executor",
}
PICTURE_WIDTH = 132


def demo(
    config: ConfigOption = None,  # noqa: ARG001 - every verb takes it; the demo brings its own
    json: JsonOption = False,
    borrowers: Annotated[int, typer.Option(help="Accounts with debt.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="Another seed, other borrowers.")] = 7,
    picture: Annotated[Path | None, typer.Option(help="Also save the report as an SVG.")] = None,
) -> None:
    """Start a local chain with real contracts, let prices fall, and watch the keeper liquidate."""
    # Standard error tells how it goes, so that standard output holds the result alone.
    console = Console(file=sys.stderr, markup=False, highlight=False)
    with (
        tempfile.TemporaryDirectory(prefix="keeper-demo-") as folder,
        Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console
        ) as bars,
    ):
        tasks = {}

        def progress(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(STAGES[stage], total=total)
            bars.update(tasks[stage], completed=done, total=total)

        story = asyncio.run(
            play(Path(folder), borrowers=borrowers, seed=seed, progress=progress, tell=console.print)
        )
    _show(story, json, picture)
    if not summary(story)["liquidations"]:
        raise typer.Exit(NOTHING_DONE)


def _show(story: Story, json: bool, picture: Path | None) -> None:
    if json:
        print_json(summary(story))
    else:
        Console(width=None if sys.stdout.isatty() else PICTURE_WIDTH, highlight=False).print(render(story))
    if picture is not None:
        recorder = Console(record=True, width=PICTURE_WIDTH, file=io.StringIO(), highlight=False)
        recorder.print(render(story))
        recorder.save_svg(str(picture), title="keeper demo")
