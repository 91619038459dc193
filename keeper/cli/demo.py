"""`keeper demo`: a local market, a crash, and the keeper at work."""

import asyncio
import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keeper.cli.chosen import ProtocolsOption, chosen_protocols
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json
from keeper.cli.stages import Stages
from keeper.demo.report import render, summary
from keeper.demo.story import Story, play
from keeper.errors import ConfigError

NOTHING_DONE = 1
PICTURE_WIDTH = 132
WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Taken out of pictures: a document must not fetch anything to be shown."""


def demo(
    *,
    config: ConfigOption = None,  # noqa: ARG001 - every verb takes it; the demo brings its own
    json: JsonOption = False,
    borrowers: Annotated[int, typer.Option(help="Accounts with debt, in each protocol.", min=1)] = 50,
    seed: Annotated[int, typer.Option(help="Another seed, other borrowers.")] = 7,
    protocol: ProtocolsOption = None,
    picture: Annotated[Path | None, typer.Option(help="Also save the report as an SVG.")] = None,
) -> None:
    """Start a local chain with real contracts, let prices fall, and watch the keeper liquidate."""
    protocols = chosen_protocols(protocol)
    if picture is not None and not picture.parent.is_dir():
        raise ConfigError(f"--picture {picture}: no such folder; name one that exists")
    # Standard error tells how it goes, so that standard output holds the result alone.
    with tempfile.TemporaryDirectory(prefix="keeper-demo-") as folder, Stages() as stages:
        played = play(
            Path(folder),
            borrowers=borrowers,
            seed=seed,
            progress=stages.progress,
            tell=stages.tell,
            protocols=protocols,
        )
        story = asyncio.run(played)
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
        svg = recorder.export_svg(title="keeper demo")
        picture.write_text(WEB_FONT.sub("", svg), encoding="utf-8")
