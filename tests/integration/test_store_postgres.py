"""The store on a real Postgres: its schema, and two processes that write to it at once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from keeper.errors import ConfigError, StoreLost
from keeper.execute.states import State
from keeper.index.snapshot import Snapshot
from keeper.index.store import SnapshotStore
from keeper.ledger.missed import Missed, MissLedger, Why
from keeper.ops.incidents import Incidents, Kind, recent
from keeper.store import Database
from keeper.types import Hash
from tests.execute_samples import USDC, WETH, account, block_ref
from tests.integration.test_execute_txm import CRASHES
from tests.integration.test_store_migrations import differences
from tests.postgres import fresh, running_postgres
from tests.txm_world import Crash, running_world

TIMES = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[str]:
    async with running_postgres() as url:
        yield url


@pytest.fixture
async def url(server: str) -> str:
    return await fresh(server)


async def test_open__two_processes_on_an_empty_server__both_find_the_tables_of_the_code(url: str) -> None:
    one, other = await asyncio.gather(Database.open(url), Database.open(url))
    async with one, other, other.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_open__without_server_or_with_an_unknown_user__says_so(url: str) -> None:
    with pytest.raises(ConfigError, match="cannot open postgresql"):
        await Database.open(url.replace("keeper@", "nobody@"))
    with pytest.raises(ConfigError, match="cannot open postgresql"):
        await Database.open("postgresql://keeper@127.0.0.1:1/postgres")


async def test_begin__server_gone__is_lost_and_not_a_bug() -> None:
    async with running_postgres() as url:
        database = await Database.open(url)
    async with database:
        with pytest.raises(StoreLost, match="the database did not answer"):
            async with database.begin():
                pass


async def test_shared_tables__two_processes_write_the_same_rows_at_once__every_row_once(url: str) -> None:
    async with await Database.open(url) as one, await Database.open(url) as other:
        both = (one, other)

        async def live(database: Database) -> int:
            incidents, misses, news = Incidents(database, lambda: 1000.0), MissLedger(database), 0
            store = SnapshotStore(database, "aave")
            for number in range(TIMES):
                incidents.note(Kind.REORG, "aave")
                incidents.note(Kind.DEFERRED, "turn")
                await incidents.save()
                news += len(await misses.record([missed(number)]))
                await store.save(Snapshot(block_ref(number), b"book"), number - 3)
            return news

        assert sum(await asyncio.gather(*map(live, both))) == TIMES
        assert {found.times for found in await recent(one, 0)} == {2 * TIMES}
        assert len(await MissLedger(one).entries()) == TIMES
        blocks = [snapshot.block.number for snapshot in await SnapshotStore(one, "aave").load(TIMES)]
        assert blocks[0] == TIMES - 1
        assert blocks == sorted(set(blocks), reverse=True)


def missed(number: int) -> Missed:
    return Missed(
        tx_hash=Hash(f"0x{number:064x}"),
        place=0,
        time=1000,
        block=number,
        deployment="aave",
        account=account(number),
        debt=USDC.address,
        collateral=WETH.address,
        repaid=10**30,
        seized=1,
        liquidator=account(9),
        bonus_usd=1,
        why=Why.LATE,
        detail="",
    )


@pytest.mark.parametrize("crash", CRASHES)
async def test_recover__crash_during_the_first_attempt__same_end(
    url: str, crash: str, tmp_path: Path
) -> None:
    async with running_world(tmp_path, url) as world:
        await world.manager.recover()
        await world.submit(1)
        CRASHES[crash](world)
        with pytest.raises(Crash):
            await world.submit(2)
        await world.restart()
        await world.submit(3)
        await world.mine(2)
        stored = [await world.stored(number) for number in (1, 2, 3)]
        assert [transaction.state for transaction in stored] == [State.CONFIRMED] * 3
        assert [transaction.nonce for transaction in stored] == [0, 1, 2]
        assert (await world.count(), await world.nonce()) == (3, 3)
