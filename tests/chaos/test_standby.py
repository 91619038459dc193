"""Hot standby: the signing process is killed, hangs or goes blind in the middle of bursts."""

import asyncio
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from keeper.demo.configure import configure
from keeper.devnet.aave.positions import open_positions
from keeper.devnet.actors import fallen
from keeper.devnet.borrowers import Mix, make_borrowers
from keeper.devnet.network import Network
from keeper.execute.store import attempts, transactions
from keeper.ledger.store import Ledger
from tests.chaos.pair import Keeper, Loss, Pair
from tests.chaos.world import SEED, amount, tell
from tests.postgres import running_postgres

LOSSES = amount("standby_losses", 2, 20)
SECONDS = amount("standby_milliseconds", 1500, 2000) / 1000
"""Between two blocks."""

FRESH = amount("standby_borrowers", 12, 40)
"""Borrowers near their limit that every round begins with."""

RISKY = Mix(suppliers=0, emode=0, isolated=0, dust=0, whales=0, near_limit=100)
FALL = {"WETH": 16, "wstETH": 16, "WBTC": 16, "LINK": 16}
UNSETTLED = {"queued", "reserved", "signed", "sent", "cancelling"}

TAKEOVER = amount("standby_takeover", 3, 2)
"""Blocks within which the other one signs; where tests share two cores with short blocks, one more."""


async def test_standby__active_lost_during_bursts__other_takes_over_and_nothing_is_lost_or_doubled(
    tmp_path: Path,
) -> None:
    random, took, kinds = Random(SEED), [], list(islice(cycle(Loss), LOSSES))
    async with (
        running_postgres() as url,
        Network.start(borrowers=FRESH, seed=SEED, mix=RISKY) as network,
    ):
        site = await configure(network, tmp_path / "keeper.toml", seed=SEED)
        prices = await network.actors.prices()
        await network.node.request("evm_setAutomine", False)
        async with Pair.running(network, site, url, seconds=SECONDS) as pair, pair.blocks():
            for number, loss in enumerate(kinds):
                await prepare(pair, prices, number)
                took.append(await lose_one(pair, prices, loss, random))
                tell(f"{number}: {loss}, taken over after {took[-1]} blocks")
                await settled(pair)
            summary = await examined(pair)
    told = sorted(Counter(took).items())
    tell(f"seed {SEED}: {LOSSES} losses {dict(Counter(kinds))}; blocks to take over: {told}; {summary}")
    assert max(took) <= TAKEOVER
    assert summary["liquidations"] > 2 * LOSSES


async def prepare(pair: Pair, prices: dict[str, int], number: int) -> None:
    """The prices of the beginning, and fresh borrowers near their limit."""
    network = pair.network
    async with pair.ticking:
        await network.actors.set_prices(prices)
        await network.arbitrageur.act()
        terms = await network.actors.view.terms()
        await open_positions(
            network.node, network.market, make_borrowers(terms, FRESH, SEED + 1000 + number, RISKY)
        )
    await pair.in_step()
    await pair.in_step()


async def lose_one(pair: Pair, prices: dict[str, int], loss: Loss, random: Random) -> int:
    """Let prices fall, lose the active one soon after, and bring it back. Returns blocks to the take-over."""
    async with pair.ticking:
        await pair.network.actors.set_prices(fallen(prices, FALL))
    # Often while it still plans, signs and sends, sometimes while the blocks work it off.
    await asyncio.sleep(random.uniform(0, random.choice([0.6, 1.5 * SECONDS])))
    active = await pair.active()
    other = next(keeper for keeper in pair.keepers if keeper is not active)
    block, terms = await pair.network.node.block_number(), len(other.daemon.of("active"))
    duties = 0 if loss is Loss.KILLED else len(active.daemon.of("active", "standby"))
    await active.lose(loss)
    await pair.until(lambda: len(other.daemon.of("active")) > terms)
    taken = int(other.daemon.of("active")[terms]["block"])
    await asyncio.sleep(random.uniform(0, SECONDS))
    await active.mend(loss)
    await pair.until(lambda: len(active.daemon.of("active", "standby")) > duties)
    return taken - block


async def settled(pair: Pair) -> None:
    """Wait until nothing is on its way, and nothing left that would succeed if it were sent."""
    while True:
        active = await pair.active()
        await calmed(pair, active)
        async with pair.database.begin() as connection:
            states = set((await connection.execute(select(transactions.c.state))).scalars())
        if not states & UNSETTLED and active is await pair.active():
            return


async def calmed(pair: Pair, active: Keeper) -> None:
    """Wait until the active one sees it so, or is on standby."""
    seen = len(active.daemon.of("head"))

    def calm() -> bool:
        if active.daemon.of("active", "standby")[-1]["event"] == "standby":
            return True
        heads = active.daemon.of("head")[seen:-1]
        refused = Counter(event["block"] for event in active.daemon.of("rejected"))
        return any(head["in_flight"] == 0 and head["plans"] == refused[head["block"]] for head in heads[1:])

    await pair.until(calm)


async def examined(pair: Pair) -> dict[str, Any]:
    """Hold the store and the ledger against the chain."""
    async with pair.database.begin() as connection:
        sent = (await connection.execute(select(transactions))).all()
        known = set((await connection.execute(select(attempts.c.hash))).scalars())
    mined = await from_operator(pair)
    entries = [entry for entry in await Ledger(pair.database).entries() if entry.mode.value == "live"]
    owned = [row.nonce for row in sent if row.state not in {"queued", "dropped", "lost"}]
    assert len(owned) == len(set(owned)), "a nonce was used twice"
    first = min(owned)
    ours = [tx for tx in mined if int(tx["nonce"], 16) >= first]
    assert {tx["hash"] for tx in ours} <= known, "something was sent that the store does not know"
    assert sorted(int(tx["nonce"], 16) for tx in ours) == sorted(owned)
    ends = Counter(row.state if row.succeeded else f"{row.state}, failed" for row in sent)
    tell(f"transactions {dict(ends)}, ledger {dict(Counter(entry.outcome.value for entry in entries))}")
    assert set(ends) <= {"mined", "confirmed", "final"}, "some work was lost, or done twice"
    assert Counter(entry.outcome.value for entry in entries) == {"success": len(entries)}
    assert len(entries) == await liquidations(pair), "the ledger and the market count differently"
    stops = Counter(event["reason"] for keeper in pair.keepers for event in keeper.daemon.of("halted"))
    assert stops == {}
    return {"transactions": len(sent), "attempts": len(known), "liquidations": len(entries)}


async def from_operator(pair: Pair) -> list[dict[str, Any]]:
    """Every transaction of the key in the whole chain."""
    node, found = pair.network.node, []
    for start in range(0, await node.block_number() + 1, 100):
        blocks = await node.batch(
            [("eth_getBlockByNumber", [hex(number), True]) for number in range(start, start + 100)]
        )
        found += [tx for block in blocks if block for tx in block["transactions"]]
    return [tx for tx in found if tx["from"] == pair.site.operator]


async def liquidations(pair: Pair) -> int:
    """What the market itself says: all were ours."""
    topic = "0xe413a321e8681d831f4dbccbca790d2952b56f977908e45be37335533e005286"
    wanted = {"fromBlock": "0x0", "address": pair.network.market.pool, "topics": [topic]}
    return len(await pair.network.node.request("eth_getLogs", wanted))
