"""`keeper devnet faults`: a node that fails on schedule, for drills."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from keeper.app.signals import stop_on_signals
from keeper.chain.url import EndpointUrl
from keeper.cli.options import JsonOption
from keeper.cli.output import print_json, print_table
from keeper.clock import SystemClock
from keeper.devnet.faults.fault import Fault
from keeper.devnet.faults.proxy import FaultProxy
from keeper.devnet.faults.schedule import Window, draw_schedule, play, read_schedule
from keeper.errors import ConfigError


def faults(
    *,
    upstream: Annotated[
        str, typer.Option(help="HTTP address of the node behind; its WebSocket is the same.")
    ],
    port: Annotated[int, typer.Option(help="Where to listen; 0 picks a free one.", min=0, max=65535)] = 0,
    schedule: Annotated[Path | None, typer.Option(help="TOML or JSON file of fault windows.")] = None,
    seed: Annotated[int, typer.Option(help="Draws a schedule where no file is given.")] = 1,
    seconds: Annotated[float, typer.Option(help="Length of a drawn schedule.", min=0)] = 600.0,
    json: JsonOption = False,
) -> None:
    """A proxy in front of a node that delays, refuses, truncates, lags and lies on schedule."""
    try:
        EndpointUrl(upstream)
    except ConfigError as error:
        raise ConfigError(f"--upstream: {error}") from None
    windows = read_schedule(schedule) if schedule else draw_schedule(seed, seconds)
    if not windows:
        raise ConfigError(f"--seconds {seconds:g}: too short for a single fault; give at least 10")
    asyncio.run(_serve(upstream, port, windows, seed, json))


async def _serve(upstream: str, port: int, windows: list[Window], seed: int, json: bool) -> None:
    async with stop_on_signals() as stopping, FaultProxy.start(upstream, port=port, seed=seed) as proxy:
        _announce(proxy, windows, seed, json)
        async with asyncio.TaskGroup() as group:
            drill = group.create_task(_drill(proxy, windows, json), name="drill")
            await stopping.event.wait()
            drill.cancel()


async def _drill(proxy: FaultProxy, windows: list[Window], json: bool) -> None:
    """Play the schedule, say what it did, and go on as a proxy without faults."""

    def tell(window: Window | None) -> None:
        if json:
            print_json({"event": "fault", **window.document()} if window else {"event": "quiet"})
        elif window:
            print_table(f"{window.at:7.1f} s for {window.seconds:4.1f} s: {_names(window)}")

    await play(windows, proxy, SystemClock(), tell)
    struck = {kind.value: count for kind, count in sorted(proxy.struck.items())}
    if json:
        print_json({"event": "done", "struck": struck})
    else:
        counts = ", ".join(f"{kind} {count}" for kind, count in struck.items()) or "nothing"
        print_table(f"done; struck: {counts}. No more faults; Ctrl-C stops the proxy.")


def _announce(proxy: FaultProxy, windows: list[Window], seed: int, json: bool) -> None:
    if json:
        documents: list[dict[str, Any]] = [window.document() for window in windows]
        print_json({"rpc_http": proxy.http, "rpc_ws": proxy.ws, "seed": seed, "windows": documents})
        return
    end = windows[-1].at + windows[-1].seconds
    print_table(f"Proxy at {proxy.http} and {proxy.ws}: {len(windows)} fault windows in {end:.0f} s.")
    print_table("Put these into chain.http and chain.ws of keeper.toml.")


def _names(window: Window) -> str:
    return " and ".join(_name(fault) for fault in window.faults)


def _name(fault: Fault) -> str:
    return fault.kind.value if fault.share == 1 else f"{fault.kind.value} ({fault.share:.0%})"
