"""From a new head to a raw transaction on the wire, with 100,000 accounts in the book."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from benchmarks.crowd import Crossing, crossings, crowd
from benchmarks.measure import Measurement
from benchmarks.stopped import StoppedClock
from keeper.app import lane
from keeper.app.daemon import Daemon
from keeper.app.events import Event
from keeper.app.wiring import assemble
from keeper.chain.rpc import Rpc
from keeper.config.load import load
from keeper.config.model import Config
from keeper.demo.configure import DEPLOYMENT, configure
from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from keeper.index.book import ColumnarBook
from keeper.index.follower import Follower
from keeper.index.snapshot import Snapshot, encode
from keeper.index.store import SnapshotStore
from keeper.ledger.latency import percentile
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.base import Floats
from keeper.store import Database
from keeper.types import Mode

ACCOUNTS = 100_000
T=[monotonic()]
def DBG(*a):
    n=monotonic(); sys.stderr.write(f"[{n-T[0]:.2f}] {a}\n"); T[0]=n
BORROWERS = 450
HEADS = 30
WARM = 5
EXACT_HEADS = 5
"""Heads for the baseline, which takes half a second a head."""


class Tick(NamedTuple):
    """One head: milliseconds of our own until the raw transaction, and of waiting for nodes; round trips."""

    own: float
    network: float
    requests: int


async def tick_to_signed() -> Measurement:
    """p99 over heads at which an account crosses; the baseline judges every account exactly."""
    async with Network.start(borrowers=BORROWERS, mix=Mix(near_limit=85, dust=0)) as network:
        with TemporaryDirectory() as folder:
            site = await configure(network, Path(folder) / "keeper.toml", seed=1)
            config = load(site.config, {"audit.accounts_per_block": 0}, env={})
            steps = iter(await _prepare(network, config))
            async with _running(config) as daemon:
                ticks = [tick async for tick in _ticks(network, daemon, steps, WARM + HEADS)][WARM:]
                with patch.object(AaveV3Market, "screen", _suspect_all):
                    exact = [tick async for tick in _ticks(network, daemon, steps, EXACT_HEADS)]
    _explain(ticks)
    return Measurement(
        "tick_to_signed",
        _percentile(ticks, 99),
        "ms p99",
        "every account judged exactly",
        _percentile(exact, 99),
    )


async def _prepare(network: Network, config: Config) -> list[Crossing]:
    """Store a snapshot with the crowd in it, from which the daemon starts."""
    async with Rpc(network.anvil.http) as chain, await Database.open(config.store.url.reveal()) as database:
        head = await chain.block()
        follower = Follower(chain, AaveV3(), DEPLOYMENT, {"addresses_provider": network.market.provider})
        await follower.start(head)
        await follower.follow(head)
        market = follower.market
        assert isinstance(market, AaveV3Market)
        assert isinstance(market.book, ColumnarBook)
        DBG('followed')
        steps = crossings(market, head.timestamp + 12)
        DBG('steps', len(steps), steps[:3])
        crowd(market, ACCOUNTS)
        await SnapshotStore(database, DEPLOYMENT).save(Snapshot(head, encode(market.book)), -1)
    DBG('saved')
    return steps


@asynccontextmanager
async def _running(config: Config) -> AsyncIterator[Daemon]:
    def sink(event: Event, fields: Mapping[str, Any]) -> None:
        if event not in {Event.HEAD, Event.BACKFILL, Event.SUBMITTED, Event.OUTCOME}:
            sys.stderr.write(f"{event.value} {dict(fields)}\n")

    async with assemble(config, Mode.LIVE, sink, lambda: config) as running:
        yield running.daemon


async def _ticks(
    network: Network, daemon: Daemon, steps: Any, count: int
) -> AsyncIterator[Tick]:
    """Give the daemon `count` heads, with each of which a price falls that makes one account cross."""
    await network.node.request("evm_setAutomine", False)
    clock = StoppedClock(network.anvil.http)
    async with Rpc(network.anvil.http) as chain:
        while count:
            symbol, price = next(steps)
            await network.actors.set_prices({symbol: price})
            head = await chain.block()
            with clock.running():
                clock.raw.clear()
                received, stopped, exchanges = clock.now(), clock.stopped, clock.exchanges
                assert await daemon.take(head)
            if clock.raw:
                yield Tick(
                    (clock.raw[0] - received) * 1000,
                    (clock.stopped - stopped) * 1000,
                    clock.exchanges - exchanges,
                )
                count -= 1


def _suspect_all(market: AaveV3Market, frame: Any) -> Floats:
    del frame
    return np.zeros(len(market.book.accounts()))


def _percentile(ticks: list[Tick], percent: int) -> float:
    return percentile(sorted(tick.own for tick in ticks), percent)


def _explain(ticks: list[Tick]) -> None:
    own = ", ".join(f"p{percent} {_percentile(ticks, percent):.1f}" for percent in (50, 90, 99, 100))
    network = percentile(sorted(tick.network for tick in ticks), 50)
    sys.stderr.write(
        f"tick_to_signed: {len(ticks)} heads, own ms: {own}; waiting for nodes (taken off) p50 {network:.1f} ms\n"
    )
