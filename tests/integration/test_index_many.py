"""A thousand borrowers: exact health, a screen that misses nobody, restarts and reorganisations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keeper.devnet.aave.random.actions import RandomActions
from keeper.devnet.actors import Actors
from keeper.devnet.network import Network
from keeper.index.store import SnapshotStore
from keeper.store import Database
from keeper.types import USD, WAD
from tests.differential import BLOCK_SECONDS, Comparison, Following, book_state, following

BORROWERS = 1000
SEED = 21
ACTIVE = 15
"""How many of the borrowers act: random actions look at every one of theirs."""

MONTH = 30 * 86_400
VOLATILE = ("WETH", "wstETH", "WBTC", "LINK", "GOLD")
DEEPEST = 20


@asynccontextmanager
async def thousand_borrowers() -> AsyncIterator[Network]:
    async with Network.start(borrowers=BORROWERS, seed=SEED) as network:
        await network.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        yield network


async def act(network: Network, seed: int, actions: int) -> None:
    """Random actions by actors without a memory: a reorganisation may have undone what they remember."""
    users = [borrower.address for borrower in network.borrowers[:ACTIVE]]
    stream = RandomActions(Actors(network.node, network.market), users, seed)
    for _ in range(actions):
        await stream.step()


class Judgement:
    """Compares every borrower's health at the head, then the screen with what the contracts said."""

    def __init__(self, network: Network, follows: Following) -> None:
        self.network = network
        self.follows = follows
        self.users = [borrower.address for borrower in network.borrowers]
        self.comparison = Comparison(network.node, network.market, SEED)

    async def now(self) -> int:
        """Returns how many are liquidatable."""
        assert await self.comparison.health(self.follows, self.users) == []
        market, cursor = self.follows.market, self.follows.follower.cursor
        screened = market.screen(market.frame(cursor.timestamp))
        liquidatable = 0
        for user, answer in self.comparison.answers.items():
            row, factor = market.book.row(user), answer["healthFactor"]
            assert row is not None
            if answer["totalDebtBase"] > 1000 * USD:
                # A screen that suspects everybody would miss nobody, too.
                assert abs(screened[row] * WAD / factor - 1) < 1e-6
            if factor < WAD:
                liquidatable += 1
                assert screened[row] < 1 + market.screen_margin, f"{user} at block {cursor.number}"
        return liquidatable

    async def later(self, seconds: int) -> int:
        """As `now`, at a later block for which the health factors were computed before it was mined."""
        market, cursor = self.follows.market, self.follows.follower.cursor
        frame = market.frame(cursor.timestamp + seconds)
        predicted = [market.health(user, frame).health_factor for user in self.users]
        await self.network.actors.advance(seconds)
        liquidatable = await self.now()
        assert predicted == [self.comparison.answers[user]["healthFactor"] for user in self.users]
        return liquidatable


async def test_thousand_borrowers__prices_and_time_move__health_is_exact_and_the_screen_misses_nobody() -> (
    None
):
    async with thousand_borrowers() as network, following(network.anvil, network.market) as follows:
        judgement, liquidatable = Judgement(network, follows), []
        for percent, seconds in ((5, 3600), (3, MONTH), (-2, 61), (10, 6 * MONTH), (35, 86_400)):
            stables = {"USDC": percent // 3, "DAI": -percent // 4}
            await network.actors.crash(dict.fromkeys(VOLATILE, percent) | stables)
            await act(network, seed=seconds, actions=5)
            liquidatable += [await judgement.now(), await judgement.later(seconds)]
        assert await judgement.comparison.everything(follows) == []
        assert min(liquidatable) > 20
        assert max(liquidatable) > 300


async def test_thousand_borrowers__followed_along_in_leaps_restarted_or_from_scratch__are_the_same(
    tmp_path: Path,
) -> None:
    async with (
        await Database.open(f"sqlite:///{tmp_path}/keeper.db") as database,
        thousand_borrowers() as network,
        following(network.anvil, network.market) as along,
        following(network.anvil, network.market) as leaps,
    ):
        store = SnapshotStore(database, "devnet")
        await act_and_follow(network, along, range(12))
        async with following(network.anvil, network.market, snapshots=store) as stopped:
            saved = stopped.follower.cursor
            await stopped.follower.save(saved.number)
        await act_and_follow(network, along, range(12, 24))
        async with (
            following(network.anvil, network.market, snapshots=store) as restarted,
            following(network.anvil, network.market) as scratch,
        ):
            assert [snapshot.block for snapshot in await store.load(saved.number)] == [saved]
            await leaps.catch_up()
            assert book_state(along) == book_state(leaps) == book_state(restarted) == book_state(scratch)
            await act_and_follow(network, along, range(24, 30))
            await restarted.catch_up()
            assert book_state(restarted) == book_state(along)


async def act_and_follow(network: Network, follows: Following, seeds: range) -> None:
    for seed in seeds:
        await act(network, seed, actions=1)
        await follows.catch_up()


async def test_thousand_borrowers__reorganisations_of_every_depth__equal_a_rebuild_and_the_contracts() -> (
    None
):
    async with thousand_borrowers() as network, following(network.anvil, network.market) as follows:
        users = [borrower.address for borrower in network.borrowers]
        comparison = Comparison(network.node, network.market, SEED)
        for depth in range(1, DEEPEST + 1):
            await network.node.mine(max(0, depth - 3), BLOCK_SECONDS)
            await act(network, seed=100 + depth, actions=min(depth, 3))
            before = await follows.catch_up()
            await reorganise(network, depth)
            await act(network, seed=200 + depth, actions=depth % 3)
            after = await follows.catch_up()
            assert await follows.chain.block(before.number) != before
            assert after.number >= before.number
            assert await comparison.health(follows, users) == [], f"depth {depth}"
            if depth in {6, 13, 20}:
                async with following(network.anvil, network.market) as rebuilt:
                    assert book_state(follows) == book_state(rebuilt), f"depth {depth}"
        assert await comparison.everything(follows) == []


async def reorganise(network: Network, depth: int) -> None:
    """Replace the newest `depth` blocks; the new ones hold other transactions than the old."""
    market = network.market
    instead = []
    for place, user in enumerate(network.borrowers[depth : 2 * depth]):
        tx = market.pool_tx(
            user.address, "withdraw", market.reserve(user.collateral[0].symbol).token, 1, user.address
        )
        instead.append(
            ({"from": tx.sender, "to": tx.to, "data": "0x" + tx.data.hex(), "gas": hex(10**6)}, place)
        )
    await network.node.request("anvil_reorg", depth, instead)
