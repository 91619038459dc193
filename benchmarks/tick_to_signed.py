"""From a new head to a raw transaction on the wire, with 100,000 accounts in the book."""

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from benchmarks.crowd import Prices, crossings, crowd
from benchmarks.measure import Measurement
from benchmarks.stopped import StoppedClock
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
from keeper.risk.lookout import Lookout
from keeper.store import Database
from keeper.types import Mode

ACCOUNTS = 100_000
BORROWERS = 600
HEADS = 150
WARM = 5
BASELINE_HEADS = 5
"""Judging everybody takes half a second."""

SPOILING = frozenset({Event.HALTED, Event.DEGRADED, Event.DEFERRED})
"""Events that would spoil the measurement."""


class Tick(NamedTuple):
    """One head at which an account crosses, in milliseconds.

    `plans` is how many liquidations it decided on. `own` is what the keeper took until it handed over the
    first raw transaction, `cpu` how much of it on a processor; `last` until the last one. `network` is what
    its `exchanges` with the node took in the whole turn.
    """

    plans: int
    own: float
    cpu: float
    last: float
    network: float
    exchanges: int


async def tick_to_signed() -> Measurement:
    """p99 over heads at which an account crosses; the baseline judges every account exactly."""
    async with Network.start(borrowers=BORROWERS, mix=Mix(near_limit=85, dust=0)) as network:
        with TemporaryDirectory() as folder:
            site = await configure(network, Path(folder) / "keeper.toml", seed=1)
            # An audit would find that nobody on the chain knows the crowd.
            config = _unlimited(load(site.config, {"audit.accounts_per_block": 0}, env={}))
            steps = iter(await _prepare(network, config))
            async with _running(config) as running:
                ticks = [tick async for tick in _ticks(network, running, steps, WARM + HEADS)][WARM:]
                with patch.object(Lookout, "suspects", _everybody):
                    exact = [tick async for tick in _ticks(network, running, steps, BASELINE_HEADS)]
    _explain(ticks)
    return Measurement(
        "tick_to_signed",
        _own(ticks, 99),
        "ms, p99",
        "every account judged exactly at each head",
        _own(exact, 99),
    )


def _unlimited(config: Config) -> Config:
    """Without the devnet's limit of requests a second, as is the default.

    Heads come here as fast as they are dealt with, forty a second with a hundred calls each: waiting for the
    limit would measure the pace of this benchmark.
    """
    return config.model_copy(update={"chain": config.chain.model_copy(update={"requests_per_second": None})})


async def _prepare(network: Network, config: Config) -> list[Prices]:
    """Store a snapshot with the crowd in it, from which the daemon starts."""
    async with Rpc(network.anvil.http) as chain, await Database.open(config.store.url.reveal()) as database:
        head = await chain.block()
        follower = Follower(chain, AaveV3(), DEPLOYMENT, {"addresses_provider": network.market.provider})
        await follower.start(head)
        await follower.follow(head)
        market = follower.market
        assert isinstance(market, AaveV3Market)
        assert isinstance(market.book, ColumnarBook)
        steps = list(crossings(market, head.timestamp))
        crowd(market, ACCOUNTS, head.timestamp)
        await SnapshotStore(database, DEPLOYMENT).save(Snapshot(head, encode(market.book)), -1)
    return steps


@asynccontextmanager
async def _running(config: Config) -> AsyncIterator[tuple[Daemon, list[int]]]:
    """The daemon, and how many plans it made at each head."""
    plans: list[int] = []

    def sink(event: Event, fields: Mapping[str, Any]) -> None:
        if event is Event.HEAD:
            plans.append(fields["plans"])
        if event in SPOILING:
            sys.stderr.write(f"{event.value} {dict(fields)}\n")

    async with assemble(config, Mode.LIVE, sink, lambda: config) as running:
        yield running.daemon, plans


async def _ticks(
    network: Network, running: tuple[Daemon, list[int]], steps: Iterator[Prices], count: int
) -> AsyncIterator[Tick]:
    """Give the daemon heads with each of which a price falls, until it has sent at `count` of them."""
    daemon, plans = running
    await network.node.request("evm_setAutomine", False)
    clock = StoppedClock(network.anvil.http)
    async with Rpc(network.anvil.http) as chain:
        while count:
            await network.actors.set_prices(next(steps))
            head = await chain.block()
            with clock.running():
                clock.raw.clear()
                received, stopped, exchanges = clock.now(), clock.stopped, clock.exchanges
                assert await daemon.take(head), "no turn may fail"
            if clock.raw:
                count -= 1
                taken = clock.raw[0] - received
                yield Tick(
                    plans=plans[-1],
                    own=taken.wall * 1000,
                    cpu=taken.cpu * 1000,
                    last=(clock.raw[-1] - received).wall * 1000,
                    network=(clock.stopped - stopped) * 1000,
                    exchanges=clock.exchanges - exchanges,
                )


def _everybody(_lookout: Lookout, market: AaveV3Market, _frame: object) -> Any:
    return np.arange(len(market.book.accounts()))


def _own(ticks: list[Tick], percent: int) -> float:
    return percentile(sorted(tick.own for tick in ticks), percent)


def _explain(ticks: list[Tick]) -> None:
    """Tell what one line of JSON does not."""
    own = ", ".join(f"p{percent} {_own(ticks, percent):.1f}" for percent in (50, 90, 99, 100))
    cpu = sorted(tick.cpu for tick in ticks)
    last = sorted(tick.last for tick in ticks)
    network = percentile(sorted(tick.network for tick in ticks), 50)
    exchanges = percentile(sorted(tick.exchanges for tick in ticks), 50)
    alone = [tick for tick in ticks if tick.plans == 1]
    sys.stderr.write(
        f"tick_to_signed: {len(ticks)} heads, ms: {own}; on a processor p50 {percentile(cpu, 50):.1f}, "
        f"p99 {percentile(cpu, 99):.1f}. Up to {max(tick.plans for tick in ticks)} liquidations a head, the "
        f"last of their transactions p50 {percentile(last, 50):.1f}, p99 {percentile(last, 99):.1f}; "
        f"p50 {_own(alone, 50):.1f}, p99 {_own(alone, 99):.1f} of the {len(alone)} heads with one. "
        f"Not in it: {exchanges:.0f} HTTP exchanges a turn with a local Anvil ({network:.1f} ms, p50), "
        "HTTP client and sockets included\n"
    )
