"""kill -9 at random instants, and long downtimes: a restart is as if nothing had happened."""

import asyncio
from pathlib import Path
from random import Random

from keeper.demo.configure import DEPLOYMENT, configure
from keeper.devnet.network import Network
from keeper.index.store import SnapshotStore
from keeper.store import Database
from tests.chaos.daemon import Daemon, verb
from tests.chaos.truth import contract_positions
from tests.chaos.world import SEED, Activity, amount, differing, running_network, tell
from tests.differential import book_state, following

KILLS = amount("kills", 3, 100)
STARTING = 2.0
"""Seconds in which a kill hits the start: imports, database, restoring, catching up."""

WORKING = 1.5
EARLY = 0.35
GAP = 500


async def test_daemon__killed_at_random_instants__restarts_with_the_book_of_a_rebuild(tmp_path: Path) -> None:
    random, config = Random(SEED), tmp_path / "keeper.toml"
    restored = heads = compared = 0
    async with running_network(SEED) as network, Activity(network, SEED).going_on() as activity:
        async with activity.pause:
            await configure(network, config, seed=SEED)
        for _ in range(KILLS):
            heads += await killed(config, activity, random)
            async with activity.pause:
                restored += await same_as_a_rebuild(config, network)
                compared += await same_as_the_contracts(config, network)
        tell(
            f"seed {SEED}: {KILLS} kills, {heads} heads seen by daemons, {restored} times with a snapshot, "
            f"{activity.actions} actions, {await network.node.block_number()} blocks, "
            f"{compared} accounts compared"
        )
    assert restored > KILLS // 2


async def killed(config: Path, activity: Activity, random: Random) -> int:
    """One life of a daemon. Returns how many heads it lived to see."""
    async with Daemon.start(config, "--mode", "watch") as daemon:
        if random.random() < EARLY:
            await asyncio.sleep(random.uniform(0, STARTING))
        else:
            await daemon.head()
            await asyncio.sleep(random.uniform(0, WORKING))
            # A hundred blocks make the daemon save: the instant that matters most.
            async with activity.pause:
                await activity.network.node.mine(random.randint(60, 160))
            await asyncio.sleep(random.uniform(0, 0.2))
        daemon.kill()
    return len(daemon.of("head"))


async def same_as_a_rebuild(config: Path, network: Network) -> bool:
    """Restart from what the killed daemon left, and compare. Whether it left a snapshot."""
    async with await Database.open(f"sqlite:///{config.with_suffix('.db')}") as database:
        store = SnapshotStore(database, DEPLOYMENT)
        left = await store.load(await network.node.block_number())
        async with (
            following(network.anvil, network.market, snapshots=store) as restarted,
            following(network.anvil, network.market) as rebuilt,
        ):
            assert differing(book_state(restarted), book_state(rebuilt)) == {}
    return bool(left)


async def same_as_the_contracts(config: Path, network: Network) -> int:
    """`keeper positions`, which starts from the same store. Returns how many accounts it lists."""
    rows = await verb(config, "positions")
    actual = await contract_positions(network, [row["account"].lower() for row in rows], rows[0]["block"])
    shown = {
        row["account"].lower(): (int(row["collateral"]), int(row["debt"]), int(row["health_factor"]))
        for row in rows
    }
    assert shown == actual
    return len(rows)


async def test_daemon__down_for_500_blocks__is_caught_up_before_it_plans(tmp_path: Path) -> None:
    config = tmp_path / "keeper.toml"
    async with running_network(SEED) as network:
        activity = Activity(network, SEED)
        await configure(network, config, seed=SEED)
        async with Daemon.start(config, "--mode", "paper") as before:
            seen = (await before.head())["block"]
            assert await before.stop() == 0
        while (now := await network.node.block_number()) < seen + GAP:
            await network.node.mine(min(15, seen + GAP - now))
            await activity.act(1)
        await network.actors.crash({"WETH": 40, "wstETH": 40, "WBTC": 40})
        now = await network.node.block_number()
        async with Daemon.start(config, "--mode", "paper") as after:
            await after.head(now)
            await asyncio.sleep(0.5)
            planning = after.of("head", "paper", "rejected", "deferred")
            assert planning[0]["event"] == "head"
            assert planning[0]["block"] >= now
            assert planning[0]["plans"] + len(planning[0]["rejected"]) > 0
            assert await same_as_the_contracts(config, network) > 0
        tell(f"down from block {seen} to {now}; first event of planning: {planning[0]['event']}")
