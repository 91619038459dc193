"""A thousand borrowers: exact health, a screen that misses nobody, restarts and reorganisations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from keeper.devnet.actors import Actors
from keeper.devnet.network import Network
from keeper.devnet.random_actions import RandomActions
from keeper.index.book import ColumnarBook
from keeper.index.store import SnapshotStore
from keeper.store import Database, metadata
from keeper.types import USD, WAD, Address
from tests.differential import BLOCK_SECONDS, Comparison, Following, following

BORROWERS = 1000
SEED = 21
ACTIVE = 20
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


def state(follows: Following) -> dict[str, Any]:
    """Everything a book says, without the traces of how it came to say it (rows, order, emptied legs)."""
    book = follows.market.book
    assert isinstance(book, ColumnarBook)
    records = dict(book.records())
    records[("watched",)] = frozenset(records[("watched",)])
    numbers = [info.asset for info in follows.market.assets()]
    accounts = {
        account: (
            book.group(account),
            tuple(book.legs(account)),
            tuple(number for number in numbers if book.enabled(account, number)),
        )
        for account in book.accounts()
    }
    empty = (0, (), ())
    return {"records": records, "accounts": {a: held for a, held in accounts.items() if held != empty}}


async def assert_screen_misses_nobody(network: Network, follows: Following, users: Sequence[Address]) -> int:
    """Who is liquidatable is asked of the contracts; returns how many are."""
    head = await follows.catch_up()
    market = follows.market
    screened = market.screen(market.frame(head.timestamp))
    liquidatable = 0
    for user, account in zip(users, await network.actors.view.accounts(users, head.number), strict=True):
        row = market.book.row(user)
        assert row is not None
        if account.debt > 1000 * USD:
            # A screen that suspects everybody would miss nobody, too.
            assert abs(screened[row] * WAD / account.health_factor - 1) < 1e-6
        if account.health_factor < WAD:
            liquidatable += 1
            assert screened[row] < 1 + market.screen_margin, f"{user} at block {head.number}"
    return liquidatable


async def test_thousand_borrowers__prices_and_time_move__health_is_exact_and_the_screen_misses_nobody() -> (
    None
):
    async with thousand_borrowers() as network, following(network.anvil, network.market) as follows:
        users = [borrower.address for borrower in network.borrowers]
        comparison, liquidatable = Comparison(network.node, network.market, SEED), []
        for percent, seconds in ((5, 3600), (3, MONTH), (-2, 61), (10, 6 * MONTH), (35, 86_400)):
            await network.actors.crash(dict.fromkeys(VOLATILE, percent))
            await network.actors.crash({"USDC": percent // 3, "DAI": -percent // 4})
            await act(network, seed=seconds, actions=5)
            assert await comparison.health(follows, users) == []
            liquidatable.append(await assert_screen_misses_nobody(network, follows, users))
            await assert_future_health_is_known(network, follows, users, seconds)
            assert await comparison.health(follows, users) == []
            liquidatable.append(await assert_screen_misses_nobody(network, follows, users))
        assert await comparison.everything(follows) == []
        assert liquidatable[0] > 50
        assert liquidatable[-1] > 500


async def assert_future_health_is_known(
    network: Network, follows: Following, users: Sequence[Address], seconds: int
) -> None:
    """The health computed for a later block, before it is mined, is what the contracts say in it."""
    head = await follows.catch_up()
    frame = follows.market.frame(head.timestamp + seconds)
    predicted = [follows.market.health(user, frame).health_factor for user in users]
    await network.actors.advance(seconds)
    accounts = await network.actors.view.accounts(users, head.number + 1)
    assert predicted == [account.health_factor for account in accounts]


async def test_thousand_borrowers__followed_along_in_leaps_or_from_scratch__are_the_same() -> None:
    async with thousand_borrowers() as network, following(network.anvil, network.market) as along:
        async with following(network.anvil, network.market) as leaps:
            for step in range(40):
                await act(network, seed=step, actions=1)
                await along.catch_up()
                if step % 13 == 0:
                    await leaps.catch_up()
            await leaps.catch_up()
            assert state(leaps) == state(along)
        async with following(network.anvil, network.market) as scratch:
            assert state(scratch) == state(along)


async def test_thousand_borrowers__restarted_from_a_snapshot__are_as_if_never_stopped(tmp_path: Path) -> None:
    async with (
        await Database.open(f"sqlite:///{tmp_path}/keeper.db") as database,
        thousand_borrowers() as network,
        following(network.anvil, network.market) as unstopped,
    ):
        async with database.begin() as connection:
            await connection.run_sync(metadata.create_all)
        store = SnapshotStore(database, "devnet")
        await act(network, seed=1, actions=15)
        async with following(network.anvil, network.market, snapshots=store) as stopped:
            saved = await stopped.catch_up()
            await stopped.follower.save(saved.number)
        await act(network, seed=2, actions=15)
        async with following(network.anvil, network.market, snapshots=store) as restarted:
            assert [snapshot.block for snapshot in await store.load(saved.number)] == [saved]
            assert await unstopped.catch_up() == await restarted.catch_up()
            assert state(restarted) == state(unstopped)
            await act(network, seed=3, actions=5)
            assert await unstopped.catch_up() == await restarted.catch_up()
            assert state(restarted) == state(unstopped)


async def test_thousand_borrowers__reorganisations_of_every_depth__equal_a_rebuild_and_the_contracts() -> (
    None
):
    async with thousand_borrowers() as network, following(network.anvil, network.market) as follows:
        users = [borrower.address for borrower in network.borrowers]
        comparison = Comparison(network.node, network.market, SEED)
        for depth in range(1, DEEPEST + 1):
            await network.node.mine(max(0, depth - 5), BLOCK_SECONDS)
            await act(network, seed=100 + depth, actions=min(depth, 5))
            before = await follows.catch_up()
            await reorganise(network, depth)
            await act(network, seed=200 + depth, actions=depth % 4)
            after = await follows.catch_up()
            assert await follows.chain.block(before.number) != before
            assert after.number >= before.number
            assert await comparison.health(follows, users) == [], f"depth {depth}"
            if depth % 5 == 0:
                async with following(network.anvil, network.market) as rebuilt:
                    assert state(follows) == state(rebuilt), f"depth {depth}"
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
