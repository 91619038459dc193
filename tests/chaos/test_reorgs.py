"""Reorganisations of depth 1 to 64 under continuous activity: nothing lost, nothing applied twice."""

import asyncio
from random import Random

from tests.chaos.truth import wrong
from tests.chaos.world import (
    SEED,
    Activity,
    Chaser,
    amount,
    differing,
    mismatches,
    reorg_transactions,
    running_network,
    sample,
    tell,
)
from tests.differential import Comparison, book_state, following

REORGS = amount("reorgs", 12, 200)
DEEPEST = 64


async def test_reorganisations__under_continuous_activity__leave_the_book_a_rebuild_and_the_chain() -> None:
    random, depths = Random(SEED), []
    async with running_network(SEED) as network, following(network.anvil, network.market) as follows:
        comparison = Comparison(network.node, network.market, SEED)
        # No reorganisation may reach down to the market's own deployment.
        await network.node.mine(DEEPEST)
        async with (
            Activity(network, SEED).going_on() as activity,
            Chaser(follows).going_on() as chaser,
        ):
            for number in range(REORGS):
                await asyncio.sleep(random.uniform(0, 0.2))
                depth = random.randint(1, DEEPEST)
                depths.append(depth)
                async with activity.pause:
                    await network.node.mine(random.randint(0, depth), random.randint(1, 60))
                    await activity.act(random.randint(0, 3))
                    await asyncio.sleep(random.choice([0, 0, 0.05]))
                    await network.node.request(
                        "anvil_reorg", depth, reorg_transactions(network, random, depth)
                    )
                    activity.forget()
                    await activity.act(random.randint(0, 2))
                    await chaser.caught_up()
                    async with chaser.busy, following(network.anvil, network.market) as rebuilt:
                        unlike = differing(book_state(follows), book_state(rebuilt))
                        assert unlike == {}, f"reorg {number}, depth {depth}"
                        users = sample(random, activity.users)
                        assert await mismatches(comparison, follows, users) == []
            async with activity.pause:
                await chaser.caught_up()
            async with activity.pause, chaser.busy:
                assert wrong(await comparison.everything(follows, activity.users)) == []
        tell(
            f"seed {SEED}: {REORGS} reorgs of depth {min(depths)} to {max(depths)}, "
            f"{activity.actions} actions, {follows.follower.cursor.number} blocks, {chaser.turns} turns, "
            f"hiccups {dict(chaser.hiccups)}, "
            f"{comparison.accounts} accounts compared"
        )
