"""The whole schedule of faults between the keeper and the chain: nothing wrong is believed silently."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.beside import beside
from keeper.clock import SystemClock
from keeper.demo.configure import configure
from keeper.devnet.faults.fault import Fault, Kind
from keeper.devnet.faults.proxy import FaultProxy
from keeper.devnet.faults.schedule import draw_schedule, play
from keeper.devnet.network import Network
from keeper.errors import Transient, WrongChain
from tests.chaos.daemon import Daemon, verb
from tests.chaos.drill import Drill
from tests.chaos.truth import contract_positions, wrong
from tests.chaos.world import SEED, Activity, amount, differing, running_network, tell
from tests.differential import Comparison, book_state, following

SECONDS = amount("seconds", 10, 600)
DEADLINE = 2.0
"""Seconds per request: many requests have to fail in a short time."""

GROWTH = 1.15
"""Resident memory at the end against that after the first third of a full run."""

LONG = 300
"""From this many seconds on memory is judged: before, caches and pools still fill."""


@pytest.mark.parametrize("second", [False, True], ids=["alone", "with an honest second node"])
async def test_faults__whole_schedule__book_equals_the_chain_and_memory_is_flat(
    tmp_path: Path, *, second: bool
) -> None:
    # The only node on another chain ends the daemon, as it should.
    kinds = set(Kind) if second else set(Kind) - {Kind.OTHER_CHAIN}
    windows, file = draw_schedule(SEED, SECONDS, kinds), tmp_path / "keeper.toml"
    memory: list[int] = []
    async with (
        running_network(SEED) as network,
        FaultProxy.start(network.anvil.http, seed=SEED) as proxy,
        Activity(network, SEED).going_on() as activity,
    ):
        async with activity.pause:
            await configure(network, file, seed=SEED)
        through(proxy, network, file, second=second)
        async with Drill.at(activity, file) as drill, Daemon.start(file, "--mode", "watch") as daemon:
            await daemon.head()
            async with drill.going_on(), sampling(daemon, memory):
                await play(windows, proxy, SystemClock(), drill.tell)
                async with activity.pause:
                    await at_rest(network, drill, daemon)
            tell(f"seed {SEED}: {len(windows)} windows in {SECONDS} s; struck {counts(proxy.struck)}")
            report(drill, activity, daemon, memory)
            async with activity.pause:
                await compare(network, drill, activity)
                assert await daemon.stop() == 0
                await compare_listed(network, file)
    assert drill.beliefs.checked > len(windows)
    assert drill.beliefs.silent == {}
    assert SECONDS < LONG or memory[-1] < memory[len(memory) // 3] * GROWTH


async def test_follower__only_node_shows_another_chain__keeps_its_book() -> None:
    async with (
        running_network(SEED) as network,
        FaultProxy.start(network.anvil.http, seed=SEED) as proxy,
        following(replace(network.anvil, http=proxy.http), network.market) as follows,
    ):
        before, cursor = book_state(follows), follows.follower.cursor
        proxy.set(Fault(Kind.OTHER_CHAIN))
        await network.node.mine()
        with pytest.raises((Transient, WrongChain)):
            await follows.follower.follow(await follows.chain.block())
        assert follows.follower.cursor == cursor
        assert differing(book_state(follows), before) == {}
        proxy.clear()
        assert (await follows.catch_up()).number == cursor.number + 1


def through(proxy: FaultProxy, network: Network, file: Path, *, second: bool) -> None:
    """Send the configured keeper through the proxy, as careful as it can be, in the time of a drill."""
    text = file.read_text(encoding="utf-8").replace(network.anvil.ws, proxy.ws)
    nodes = f'"{proxy.http}", "{network.anvil.http}"' if second else f'"{proxy.http}"'
    text = text.replace(f'"{network.anvil.http}"', nodes)
    careful = f'deadline_seconds = {DEADLINE}\nwatch_seconds = 1\nlog_check = "full"\n\n[store]'
    file.write_text(text.replace("[store]", careful), encoding="utf-8")


async def at_rest(network: Network, drill: Drill, daemon: Daemon) -> None:
    """Wait until both have turned for a head of which nothing bad can be said any more."""
    await network.node.mine()
    head = await drill.follows.chain.block()
    assert head.number == await network.node.block_number()
    await drill.caught_up(head)
    assert (await daemon.head(head.number))["hash"] == head.hash


async def compare(network: Network, drill: Drill, activity: Activity) -> None:
    """Every figure against the contracts, every account against a book that was never disturbed."""
    comparison = Comparison(network.node, network.market, SEED)
    assert wrong(await comparison.everything(drill.follows, activity.users)) == []
    async with following(network.anvil, network.market) as rebuilt:
        unlike = differing(book_state(drill.follows), book_state(rebuilt))
        # In what is known of oracles lies leave traces.
        assert [each for each in unlike if each.startswith("accounts")] == []


async def compare_listed(network: Network, file: Path) -> None:
    """What `keeper positions` shows, from what the daemon saved."""
    rows = await verb(file, "positions")
    actual = await contract_positions(network, [row["account"].lower() for row in rows], rows[0]["block"])
    names = ("collateral", "debt", "health_factor")
    assert {row["account"].lower(): tuple(int(row[name]) for name in names) for row in rows} == actual


@asynccontextmanager
async def sampling(daemon: Daemon, memory: list[int]) -> AsyncIterator[None]:
    """Resident memory of the daemon once a second."""

    async def run() -> None:
        while daemon.alive:
            memory.append(daemon.rss())
            await asyncio.sleep(1)

    async with beside(run()):
        yield


def report(drill: Drill, activity: Activity, daemon: Daemon, memory: list[int]) -> None:
    beliefs = drill.beliefs
    tell(
        f"{activity.actions} actions; follower: {drill.turns} turns, hiccups {counts(drill.hiccups)}\n"
        f"beliefs: {beliefs.checked} checked, {beliefs.blind} could not judge\n"
        f"wrong and noticed: {counts(beliefs.noticed)}; wrong and silent: {counts(beliefs.silent)}\n"
        f"daemon: {counts(Counter(event['event'] for event in daemon.events))}\n"
        f"RSS {memory[0]} KiB, {memory[len(memory) // 3]} after a third, {memory[-1]} at the end"
    )


def counts(counter: Counter[str] | Counter[Kind]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "none"
