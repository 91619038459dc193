"""The transaction manager's way out of trouble, on a real node: drops, strangers, holes, no-ops."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from keeper.chain.rpc import Rpc
from keeper.devnet.faults.fault import Fault, Kind
from keeper.devnet.faults.proxy import FaultProxy
from keeper.errors import Degraded, Halt, Unreachable
from keeper.execute.model import Attempt
from keeper.execute.observe import Alarm, AttemptKind, NoObserver, Standing
from keeper.execute.states import State
from keeper.execute.store import TransactionStore, transactions
from keeper.execute.txm import TransactionManager
from keeper.ports import SendError, SendOutcome
from keeper.types import Call, Hash
from tests.execute_samples import account, sample_step
from tests.txm_world import COUNTER, FAIL, GWEI, SELECTOR, World, foreign, lose_answer, running_world


class Watcher(NoObserver):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self.kinds: list[AttemptKind] = []
        self.standing: Standing | None = None

    def on_alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)

    def on_attempt(self, kind: AttemptKind) -> None:
        self.kinds.append(kind)

    def on_standing(self, standing: Standing) -> None:
        self.standing = standing


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running_world(tmp_path) as world:
        await world.manager.recover()
        yield world


async def watched(world: World, **options: Any) -> Watcher:
    """Start another process whose observer is returned."""
    watcher = Watcher()
    store = TransactionStore(world.database, 31337, world.pen.address)
    world.manager = TransactionManager(
        world.line, world.line, world.pen, store, world.rules, observer=watcher, **options
    )
    await world.manager.recover()
    return watcher


async def pricey(world: World, gwei: int = 20) -> None:
    """The next block is too dear for transactions of 3 gwei."""
    await world.node.request("anvil_setNextBlockBaseFeePerGas", hex(gwei * GWEI))


async def test_mempool__forgets_a_transaction__same_bytes_again_and_no_higher_price(world: World) -> None:
    sent = await world.submit(1)
    await world.node.request("anvil_dropTransaction", sent.attempts[0].hash)
    await world.mine()
    assert await world.count() == 0
    await world.mine()
    assert (await world.count(), len(world.pen.signed)) == (1, 1)


async def test_mempool__forgets_the_lowest_of_several__all_land_once_it_is_back(
    world: World,
) -> None:
    sent = [await world.submit(number) for number in range(4)]
    await world.node.request("anvil_dropTransaction", sent[0].attempts[0].hash)
    await world.mine()
    assert await world.count() == 0
    await world.mine()
    assert (await world.count(), await world.nonce()) == (4, 4)
    blocks = {(await world.stored(number)).mined.block for number in range(4)}  # type: ignore[union-attr]
    assert len(blocks) == 1


async def test_send__the_pool_wants_a_higher_raise__no_stranger(world: World) -> None:
    def picky() -> None:
        if world.pen.signed[-1].cap < 4 * GWEI:
            raise SendError(SendOutcome.REPLACEMENT_UNDERPRICED, "replacement transaction underpriced")

    watcher = await watched(world)
    await world.submit(1)
    await pricey(world)
    await world.node.mine()
    world.line.before = picky
    await world.head()
    await pricey(world)
    await world.mine()
    await world.mine(2)
    assert (await world.count(), watcher.alarms, world.manager.halted) == (1, [], None)


async def test_send__a_stranger_holds_the_nonce__alarm_halt_and_outbid(world: World) -> None:
    watcher = await watched(world)
    await foreign(world, 0, gwei=4)
    await world.submit(1)
    assert watcher.alarms == [Alarm.FOREIGN]
    with pytest.raises(Halt, match="not ours waits with nonce 0"):
        await world.submit(2)
    await pricey(world, 30)
    await world.mine()  # nobody is mined; ours is raised above the stranger's
    await world.mine(2)
    assert (await world.count(), await world.nonce()) == (1, 1)
    assert (await world.stored(1)).state is State.CONFIRMED
    with pytest.raises(Halt, match="not ours"):
        await world.submit(2)


async def test_on_head__a_stranger_uses_our_key_meanwhile__halts_for_good(world: World) -> None:
    await foreign(world, 0)
    await world.mine()
    with pytest.raises(Halt, match=r"1 transactions of .* are not ours"):
        await world.submit(1)
    await world.mine(3)
    with pytest.raises(Halt, match="not ours"):
        await world.submit(1)
    await world.restart()  # the operator has looked
    assert (await world.submit(1)).nonce == 1


async def test_send__nonce_used_before_any_node_took_ours__lost_at_once(
    world: World,
) -> None:
    await foreign(world, 0)
    await world.node.mine()
    sent = await world.submit(1)
    assert sent.attempts[-1].outcome == SendOutcome.NONCE_TOO_LOW
    (change,) = await world.head()
    assert change.transaction.state is State.LOST
    assert world.manager.in_flight() == frozenset()


async def test_send__answers_lost_behind_a_proxy__in_flight_and_mined_once(world: World) -> None:
    async with (
        FaultProxy.start(world.node.url) as proxy,
        Rpc(proxy.http, deadline=2) as rpc,
    ):
        world.line.rpc = rpc
        await world.restart()
        proxy.set(Fault(Kind.LOSE_SEND))
        sent = [await world.submit(number) for number in range(3)]
        assert {each.attempts[-1].outcome for each in sent} == {SendOutcome.UNKNOWN}
        assert proxy.struck[Kind.LOSE_SEND] == 3
        await world.mine()
        assert {(await world.stored(number)).state for number in range(3)} == {State.CONFIRMED}
        assert (await world.count(), len(world.pen.signed)) == (3, 3)


async def test_on_head__nothing_left_to_do__no_op_in_its_place(world: World) -> None:
    watcher = await watched(world)
    call = Call(COUNTER, SELECTOR)
    await world.manager.submit("intent 1", [sample_step(1)], call, 1_000_000, None)
    await world.submit(2)
    await world.node.request("anvil_dropTransaction", (await world.stored(1)).attempts[0].hash)
    await world.node.mine()
    await world.node.request("anvil_setCode", COUNTER, FAIL)
    await world.head()
    cancelling = await world.stored(1)
    assert cancelling.state is State.CANCELLING
    assert world.pen.signed[-1]._replace(tip=0, cap=0) == world.pen.signed[0]._replace(
        to=world.pen.address, data=b"", gas=21_000, tip=0, cap=0
    )
    assert ("aave-core", account(1)) in world.manager.in_flight()
    await world.mine()
    assert ("aave-core", account(1)) not in world.manager.in_flight()
    assert (await world.stored(1)).state is State.CANCELLING  # until it is final
    await world.node.mine(100)
    await world.head()
    assert ((await world.stored(1)).state, watcher.kinds[-1]) == (State.CANCELLED, AttemptKind.CANCEL)
    assert await world.nonce() == 2


async def test_on_head__payload_mined_while_cancelling__counts_as_mined(world: World) -> None:
    await world.manager.submit("intent 1", [sample_step(1)], Call(COUNTER, SELECTOR), 1_000_000, None)
    await pricey(world, 2)
    await world.node.request("anvil_dropTransaction", (await world.stored(1)).attempts[0].hash)
    await world.node.mine()
    await world.node.request("anvil_setCode", COUNTER, FAIL)
    world.line.before = lose_answer  # the no-op never arrives
    await world.head()
    world.line.before = lambda: None
    cancelling = await world.stored(1)
    assert cancelling.state is State.CANCELLING
    await world.line.rpc.send_raw(cancelling.attempts[0].raw)
    await world.node.mine()
    (change,) = await world.head()
    assert change.transaction.state is State.CONFIRMED
    assert change.receipt is not None


async def test_on_head__no_op_reorganised_away__still_cancelling_and_sent_again(world: World) -> None:
    await world.mine(2)
    await world.manager.submit("intent 1", [sample_step(1)], Call(COUNTER, SELECTOR), 1_000_000, None)
    await world.node.request("anvil_dropTransaction", (await world.stored(1)).attempts[0].hash)
    await world.node.mine()
    await world.node.request("anvil_setCode", COUNTER, FAIL)
    await world.head()
    await world.mine()
    assert (await world.stored(1)).is_settled
    await world.node.request("anvil_reorg", 1, [])
    await world.head()
    again = await world.stored(1)
    assert (again.state, again.is_settled) == (State.CANCELLING, False)
    await world.mine()
    assert (await world.stored(1)).is_settled
    assert await world.nonce() == 1


async def test_on_head__stuck_with_others_behind__purged_so_that_they_pass(world: World) -> None:
    world.rules = replace(world.rules, stuck_blocks=2)
    watcher = await watched(world)
    await world.submit(1, ceiling=3 * GWEI)
    await world.submit(2)
    for _ in range(3):
        await pricey(world)
        await world.mine()
    assert (await world.stored(1)).state is State.CANCELLING
    await pricey(world)
    await world.mine()
    assert (await world.count(), await world.nonce()) == (1, 2)
    assert Alarm.STUCK in watcher.alarms


async def test_on_head__a_nonce_belongs_to_nobody__filled_after_three_heads(
    world: World,
) -> None:
    watcher = await watched(world)
    for number in (1, 2):
        await world.submit(number)
    await world.node.request("anvil_dropTransaction", (await world.stored(1)).attempts[0].hash)
    async with world.database.begin() as connection:  # as a database restored from a backup
        await connection.execute(
            update(transactions).where(transactions.c.nonce == 0).values(state=State.LOST)
        )
    await world.restart()
    world.manager = world.process()
    watcher = await watched(world)
    await world.mine()
    assert watcher.standing is not None
    assert (watcher.standing.gaps, watcher.standing.pending) == (1, 1)
    await world.mine(3)
    assert (await world.count(), await world.nonce()) == (1, 2)
    assert Alarm.GAP in watcher.alarms
    assert (await world.stored(2)).state is State.CONFIRMED


async def test_on_head__no_node_shows_anything__nothing_new_until_one_does(world: World) -> None:
    world.rules = replace(world.rules, blind_failures=3)
    watcher = await watched(world)
    await world.submit(1)
    head = await world.line.block()

    async def silent(*_: object) -> int:
        raise Unreachable("no answer")

    spoken, world.line.key_state = world.line.key_state, silent  # type: ignore[assignment,method-assign]
    for _ in range(3):
        with pytest.raises(Unreachable):
            await world.manager.on_head(head)
    with pytest.raises(Halt, match="no node shows"):
        await world.submit(2)
    assert watcher.alarms == [Alarm.BLIND]
    world.line.key_state = spoken  # type: ignore[method-assign]
    await world.mine()
    assert (await world.submit(2)).nonce == 1


async def test_submit__node_has_not_seen_the_earlier_ones__queued_beyond_a_few(
    world: World,
) -> None:
    world.rules = replace(world.rules, optimistic=2)
    await world.restart()
    world.line.before = lose_answer
    states = [(await world.submit(number)).state for number in range(3)]
    assert states == [State.SENT, State.SENT, State.QUEUED]
    world.line.before = lambda: None
    await world.mine()
    assert (await world.stored(2)).state is State.SENT


class Relay:
    """A private route that lands nothing."""

    def __init__(self) -> None:
        self.taken: list[tuple[bytes, int]] = []
        self.recalled: list[bytes] = []

    async def send(self, raw: bytes, *, head: int, until: int, ahead: Sequence[bytes] = ()) -> Hash:
        self.taken.append((raw, until))
        return Hash("0x")

    def recall(self, raw: bytes, *, head: int, until: int) -> None:
        self.recalled.append(raw)


async def private(world: World, number: int, until: int) -> Attempt:
    sent = await world.manager.submit(
        f"intent {number}", [sample_step(number)], Call(COUNTER, SELECTOR), 60_000, None, until=until
    )
    return sent.attempts[-1]


async def test_private__not_included_until_its_block__nonce_given_to_the_next(world: World) -> None:
    relay = Relay()
    await watched(world, private=relay)
    head = (await world.line.block()).number
    attempt = await private(world, 1, head + 3)
    await world.mine(2)
    assert (await world.stored(1)).state is State.SENT
    with_same_nonce = await world.submit(2)
    assert with_same_nonce.nonce == 1
    await world.mine()
    assert (await world.stored(1)).state is State.DROPPED
    assert (await world.submit(3)).nonce == 0
    await world.mine()
    assert (await world.count(), await world.nonce()) == (2, 2)
    assert {until for _, until in relay.taken} == {attempt.until}
    assert all(raw not in world.line.sent for raw, _ in relay.taken)


async def test_private__no_route_set_up__degraded_and_never_public(world: World) -> None:
    with pytest.raises(Degraded, match="private"):
        await private(world, 1, 10)
    await world.mine(2)
    assert world.line.sent == []


async def test_on_head__contents_refused_for_two_blocks__no_op_frees_the_nonce(world: World) -> None:
    def refuse() -> None:
        if world.pen.signed[-1].data:
            raise SendError(SendOutcome.FATAL, "exceeds block gas limit")

    watcher = await watched(world)
    world.line.before = refuse
    await world.submit(1)
    with pytest.raises(Halt, match="refuses transaction 0"):
        await world.submit(2)
    await world.mine(3)
    assert (await world.nonce(), Alarm.REFUSED in watcher.alarms) == (1, True)
    assert (await world.submit(2)).nonce == 1
