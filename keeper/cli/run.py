"""`keeper run`: the daemon."""

import asyncio
import signal
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Annotated, Any

import structlog
import typer

from keeper.app.events import Event
from keeper.app.loop import drain, turn_until
from keeper.app.signals import governed_by_signals, stop_on_signals
from keeper.app.wiring import assemble
from keeper.chain.heads import head_stream
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json
from keeper.cli.setup import read_config
from keeper.config.model import Config
from keeper.types import Mode, checksum

QUIET = frozenset({Event.HEAD, Event.BACKFILL})
"""Events that come with every block: people see them at level debug, and with --once the head."""

_log = structlog.get_logger("keeper.run")


def run(
    config: ConfigOption = None,
    json: JsonOption = False,
    mode: Annotated[Mode | None, typer.Option(help="Overrides the configured mode.")] = None,
    once: Annotated[bool, typer.Option(help="One pass over the latest block, then stop.")] = False,
    until_block: Annotated[int | None, typer.Option(help="Stop after this block.", min=0)] = None,
) -> None:
    """Watch, plan and (in mode live) liquidate, until stopped."""
    reread = partial(read_config, config, {"mode": None if mode is None else mode.value})
    interrupted = asyncio.run(_run(reread, json, once, until_block))
    if interrupted:
        raise typer.Exit(128 + signal.SIGINT)


async def _run(reread: Callable[[], Config], json: bool, once: bool, until_block: int | None) -> bool:
    config = reread()
    sink = _print if json else partial(_write, quiet=QUIET - {Event.HEAD} if once else QUIET)
    heads_from = [url.reveal() for url in config.chain.ws]
    async with stop_on_signals() as stopping, assemble(config, config.mode, sink, reread) as running:
        async with head_stream(
            lambda: running.chain.block("latest"),
            heads_from,
            chain_id=config.chain.id,
            observer=running.watch,
        ) as heads:
            sink(Event.STARTED, _started(config))
            with governed_by_signals(running.governor):
                await turn_until(running.daemon, heads, stopping.event, once=once, last=until_block)
                if stopping.event.is_set():
                    await drain(running.daemon, heads, config.transactions.stop_seconds)
        await running.daemon.save()
        sink(Event.STOPPED, {"reason": stopping.reason})
    return stopping.interrupted


def _started(config: Config) -> dict[str, Any]:
    executor = config.executor.address
    return {
        "mode": config.mode.value,
        "chain_id": config.chain.id,
        "deployments": [deployment.name for deployment in config.deployment],
        "executor": checksum(executor) if executor else None,
    }


def _print(event: Event, fields: Mapping[str, Any]) -> None:
    print_json({"event": event.value, **fields})


def _write(event: Event, fields: Mapping[str, Any], *, quiet: Collection[Event]) -> None:
    level = "debug" if event in quiet and not fields.get("liquidatable") else "info"
    shown = dict(fields)
    if event is Event.HEAD:
        shown["rejected"] = len(fields["rejected"])  # `keeper plans` lists them
    getattr(_log, level)(event.value, **shown)
