"""What the reporting verbs share: index up to a block, show progress while logs are read, then report."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from keeper.app.view import View, open_view
from keeper.cli.setup import read_config

Show = Callable[[View], Awaitable[None]]


def read(
    config: Path | None, block: int | None, show: Show, overrides: Mapping[str, Any] | None = None
) -> None:
    """Open the configured deployments at `block` (None: the latest) and give them to `show`.

    `overrides` are settings by dotted key, as for `read_config`.
    """
    settings = read_config(config, overrides)

    async def run() -> None:
        with Backfill() as backfill:
            async with open_view(settings, block, backfill.tell) as view:
                backfill.stop()
                await show(view)

    asyncio.run(run())


class Rate(ProgressColumn):
    """Blocks a second."""

    def render(self, task: Task) -> Text:
        """How fast a deployment's index goes, nothing before that is known."""
        return Text(f"{task.speed:,.0f} blocks/s" if task.speed else "")


class Backfill:
    """A progress bar a deployment on stderr; nothing where stderr is not a terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("reading logs of {task.description}"),
            BarColumn(),
            TextColumn("block {task.completed:.0f} of {task.total:.0f}"),
            Rate(),
            TimeRemainingColumn(),
            console=Console(file=sys.stderr),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the bars off the screen."""
        self._bars.stop()

    def tell(self, deployment: str, reached: int, wanted: int) -> None:
        """A deployment's index reached a block."""
        if deployment not in self._tasks:
            self._tasks[deployment] = self._bars.add_task(deployment, total=wanted)
        self._bars.update(self._tasks[deployment], completed=reached, total=wanted)
