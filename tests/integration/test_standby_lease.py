"""Leases on both kinds of database, and two transaction managers with one key on one chain."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from keeper.errors import Fenced, StoreLost
from keeper.execute.dispatch import Papered
from keeper.execute.states import State
from keeper.execute.store import TransactionStore
from keeper.ledger.entries import paper_entries
from keeper.ledger.store import Ledger
from keeper.store import Database, Lease
from keeper.store.lease import lease_state
from keeper.types import Address
from tests.execute_samples import account, block_ref, sample_step
from tests.postgres import fresh, running_postgres
from tests.txm_world import World, running_world

KEY = account(7)
SHORT = 0.3
"""Seconds; a lease that is meant to run out."""

LONG = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[str]:
    async with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path, server: str) -> AsyncIterator[Database]:
    file = f"sqlite:///{tmp_path / 'keeper.db'}"
    url = file if request.param == "sqlite" else await fresh(server)
    async with await Database.open(url) as database:
        yield database


def lease(database: Database, holder: str, seconds: float = LONG, key: Address = KEY) -> Lease:
    return Lease(database, 1, key, holder, seconds)


async def test_lease__from_hand_to_hand__one_holder_at_a_time_and_the_token_rises(database: Database) -> None:
    a, b = lease(database, "a", SHORT), lease(database, "b")
    assert await lease_state(database, 1, KEY) is None
    assert [await a.take(), await b.take()] == [True, False]
    assert (a.token, b.token) == (1, None)
    for _ in range(3):  # longer than it lasts, but renewed in time
        await asyncio.sleep(SHORT / 2)
        assert await a.renew()
        assert not await b.take()
    await asyncio.sleep(SHORT * 1.2)  # by the database's clock it has run out now
    assert await b.take()
    assert (b.token, await a.renew(), a.token) == (2, False, None)
    state = await lease_state(database, 1, KEY)
    assert state is not None
    assert (state.holder, state.token) == ("b", 2)
    assert state.age < SHORT * 20 < LONG - 20 < state.left <= LONG
    assert not await a.take()
    await b.release()
    assert await a.take()
    assert (a.token, await b.renew()) == (3, False)
    assert await b.take(seize=True)
    assert (b.token, await a.renew()) == (4, False)
    assert await lease(database, "c", key=account(8)).take(), "another key is another lease"


async def test_lease__many_want_it_at_once__one_gets_it(database: Database) -> None:
    wanted = [lease(database, f"{number}") for number in range(8)]
    assert sorted(await asyncio.gather(*(each.take() for each in wanted))) == [False] * 7 + [True]


async def test_fence__term_is_over__nothing_is_written(database: Database) -> None:
    a, b = lease(database, "a"), lease(database, "b")
    await a.take()
    await b.take(seize=True)
    entries = paper_entries(Papered("batch", block_ref(1), (sample_step(1),)))
    with pytest.raises(Fenced, match="taken over the key"):
        await Ledger(database, a.fence).record(entries)
    with pytest.raises(Fenced):
        await TransactionStore(database, 1, KEY, a.fence).require_lease()
    assert await Ledger(database, b.fence).record(entries) == entries


async def test_fence__while_a_write_is_under_way__the_lease_stays_where_it_is(server: str) -> None:
    url = await fresh(server)
    async with await Database.open(url) as one, await Database.open(url) as other:
        a, b = lease(one, "a", 0.0), lease(other, "b")
        await a.take()
        async with one.begin() as connection:
            await a.fence(connection)  # it runs out at once
            taking = asyncio.create_task(b.take())
            await asyncio.sleep(SHORT)
            assert not taking.done(), "what this transaction writes could be missed"
        assert await taking


async def test_fence__process_hangs_in_the_middle_of_a_write__the_server_frees_the_lease(server: str) -> None:
    url = await fresh(server)
    async with await Database.open(url) as one, await Database.open(url) as other:
        a, b = lease(one, "a", 0.0), lease(other, "b")
        await a.take()

        async def hang() -> None:
            async with one.begin() as connection:
                await a.fence(connection)
                assert await b.take(), "it waits until the server ends the other's transaction"
                await a.fence(connection)

        with pytest.raises(StoreLost):
            await hang()
        assert not await a.renew()


@pytest.fixture
async def rivals(tmp_path: Path, server: str) -> AsyncIterator[tuple[World, World, Lease, Lease]]:
    """Two processes on one Postgres and one Anvil; the first one is on duty."""
    url = await fresh(server)
    async with (
        running_world(tmp_path, url) as world,
        await Database.open(url) as database,
    ):
        a, b = lease(world.database, "a", key=world.pen.address), lease(database, "b", key=world.pen.address)
        first, second = replace(world, fence=a.fence), replace(world, database=database, fence=b.fence)
        await a.take()
        await first.manager.recover()
        yield first, second, a, b


async def test_take_over__transactions_on_their_way__followed_by_the_other_with_the_same_nonces(
    rivals: tuple[World, World, Lease, Lease],
) -> None:
    first, second, _, b = rivals
    sent = [await first.submit(number) for number in (1, 2)]
    await b.take(seize=True)
    changes = await second.manager.recover()
    assert [change.transaction.nonce for change in changes] == [0, 1]
    assert second.manager.halted is None
    assert (await second.submit(1)).id == sent[0].id
    assert (await second.submit(3)).nonce == 2
    signed = len(first.pen.signed)
    with pytest.raises(Fenced):
        await first.submit(4)
    await second.mine()
    with pytest.raises(Fenced):
        await first.head()
    assert len(first.pen.signed) == signed
    assert first.manager.halted is None, "the successor is no stranger"
    assert (await second.count(), await second.nonce()) == (3, 3)
    assert {(await second.stored(number)).state for number in (1, 2, 3)} == {State.CONFIRMED}


async def test_take_over__hung_before_a_resend__no_bytes_leave_after_waking(
    rivals: tuple[World, World, Lease, Lease],
) -> None:
    first, second, _, b = rivals
    await first.submit(1, ceiling=3 * 10**9)
    await first.node.request("anvil_setNextBlockBaseFeePerGas", hex(20 * 10**9))
    await first.node.mine()
    await b.take(seize=True)
    await second.manager.recover()
    sent = len(first.line.sent)
    with pytest.raises(Fenced):
        await first.head()
    assert len(first.line.sent) == sent


async def test_take_over__back_and_forth__each_term_begins_with_the_store(
    rivals: tuple[World, World, Lease, Lease],
) -> None:
    worlds, leases = rivals[:2], rivals[2:]
    for number in range(6):
        world, mine = worlds[number % 2], leases[number % 2]
        await mine.take(seize=True)
        await world.manager.recover()
        assert world.manager.halted is None
        assert (await world.submit(number)).nonce == number
        if number % 3 == 2:
            await world.mine()
    await world.mine()
    assert (await world.count(), await world.nonce()) == (6, 6)
