"""Random actions on a devnet, with everything that they lead to compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from keeper.devnet.aave import market as aave_market
from keeper.devnet.aave.admin.actions import AdminActions
from keeper.devnet.aave.random.actions import RandomActions
from keeper.devnet.actors import Actors
from keeper.protocols.aave_v2.market import AaveV2Market
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.types import Address
from tests.differential import (
    BLOCK_SECONDS,
    Comparison,
    Following,
    Run,
    book_state,
    follow_from,
)

_LASTING = {"oracle", "probed", "role", "symbol", "verified"}
"""Records of what contracts are; a book built anew never meets those that no longer matter."""


@dataclass
class RandomRun(Run):
    """A run on Aave; its doubts are those of `self_doubts`."""

    reserves: int = 0


async def random_run(
    follows: Following,
    actors: Actors,
    users: Sequence[Address],
    *,
    seed: int,
    actions: int,
    every: int = 10,
    admin_share: float = 0.0,
) -> RandomRun:
    """Perform random actions, follow after each one, and compare everything after each `every` of them.

    `admin_share` of the actions are those of admins. The first comparison that finds a mismatch is the last.
    """
    run, random = RandomRun(), Random(seed)
    comparison = Comparison(actors.node, actors.market, seed)
    stream = RandomActions(actors, users, seed)
    admins = AdminActions(actors, users, seed)
    run.kinds = stream.kinds | (admins.kinds if admin_share else frozenset())
    await actors.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
    for number in range(1, actions + 1):
        step = admins.step if random.random() < admin_share else stream.step
        run.done.append(await step())
        comparison.adopt(actors.market)
        await follows.catch_up()
        if number % every == 0 or number == actions:
            run.comparisons += 1
            run.mismatches += await comparison.everything(follows, stream.users)
        if run.mismatches:
            break
    run.accounts, run.reserves = comparison.accounts, comparison.reserves
    run.doubts += await self_doubts(follows, actors.market)
    return run


async def self_doubts(follows: Following, market: aave_market.Market) -> list[str]:
    """What the keeper itself finds wrong with its book.

    Its audit of everything, prices that it derived otherwise than the oracle, and what a book built anew
    says otherwise.
    """
    own = follows.follower.market
    found = [str(each) for each in await follows.audit()]
    if isinstance(own, AaveV2Market | AaveV3Market):
        found += [str(each) for each in own.price_checks.disagreements]
    rebuilt = await follow_from(follows.chain, market)
    return [*found, *_unlike(book_state(follows), book_state(rebuilt))]


def _unlike(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What differs, but for what is only remembered of contracts that no longer matter."""
    found = []
    watched = old["records"].pop(("watched",)), new["records"].pop(("watched",))
    if not watched[0] >= watched[1]:
        found.append(f"not watched: {watched[1] - watched[0]}")
    for part, entries in new.items():
        remembered = [key for key in old[part] if key not in entries and key[0] not in _LASTING]
        for key in dict.fromkeys([*entries, *remembered]):
            was, now = old[part].get(key), entries.get(key)
            if was != now:
                found.append(f"{part} {key}: {was}, built anew {now}")
    return found
