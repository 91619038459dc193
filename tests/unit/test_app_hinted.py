"""How a hinted update is found again in blocks, and what its place costs."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from keeper.app.hinted_update import Hinted, HintedRelay, last_before
from keeper.app.outbox import BatchLimits, Outbox
from keeper.artifacts import load_artifact
from keeper.execute.dispatch import Idle, Look
from keeper.execute.executor import Executor
from keeper.execute.hinted import BehindHint, Supposed, behind_hint
from keeper.execute.model import Fees
from keeper.ports import Ran, Receipt
from keeper.protocols.oracles.hinted import ANSWERED
from keeper.protocols.oracles.transmit import Transmission
from keeper.relay_ports import Hint
from keeper.types import Address, BlockRef, Hash, Log
from tests.execute_samples import OPERATOR, account, sample_plan
from tests.logs import mined

GWEI = 10**9
HEAD = BlockRef(100, Hash("0xaa"), Hash("0xa9"), 1000, 8 * GWEI)
FEED, BLOCK = account(70), Hash("0xb0")
TX = Hash("0x" + "01" * 32)
NOTHING: Any = None


def hinted(name: Hash, *, size: int = 1, price: int = 5, secondary: bool = False) -> Hinted:
    found = [Transmission(FEED, price, 0, 0, secondary)]
    return Hinted(HintedRelay("relay", NOTHING), Hint(name, (), (), size), found, 100, 100)


def log(price: int = 5, *, tx: Hash = TX, place: int = 3, block: Hash = BLOCK, topic: str = ANSWERED) -> Log:
    topics = (topic, f"0x{price:064x}", f"0x{1:064x}")
    return mined(
        FEED,
        topics,
        "0x" + "00" * 32,
        block=101,
        block_hash=block,
        tx_hash=tx,
        tx_index=place,
        log_index=10 * place,
    )


def test_is_in__by_the_hash_of_the_transaction_s_hash_or_that_hash() -> None:
    double = Hash("0x" + keccak(hexstr=TX).hex())
    for name in (double, TX):
        assert hinted(name).is_in(log())
    assert not hinted(Hash("0x" + "09" * 32)).is_in(log())


@pytest.mark.parametrize(("price", "found"), [(5, True), (6, False)])
def test_is_in__of_a_bundle__by_the_price(price: int, found: bool) -> None:
    assert hinted(Hash("0x" + "09" * 32), size=2).is_in(log(price)) is found


def test_outdates__another_answer__but_not_for_the_second_route_nor_for_other_events() -> None:
    other = log(7)
    assert hinted(TX).outdates(other)
    assert not hinted(TX, secondary=True).outdates(other)
    assert not hinted(TX).outdates(log(7, topic="0x" + "12" * 32))


def test_last_before__the_nearest_in_front_of_ours() -> None:
    ours = Receipt(Hash("0x02"), 101, BLOCK, True, 1, 1, (log(place=4),))
    logs = [log(place=1), log(place=3), log(place=5), log(place=2, block=Hash("0xb1"))]
    assert last_before(ours, logs) == logs[1]
    assert last_before(ours, logs[2:]) is None


class Stage:
    """Remembers which code it was to pretend."""

    def __init__(self) -> None:
        self.codes: Any = None

    async def rehearse(self, transactions: Any, block: Any, timestamp: Any, codes: Any = None) -> list[Ran]:
        self.codes = codes
        [ours] = transactions
        assert (ours.nonce, ours.tip, ours.cap) == (7, 2 * GWEI, 18 * GWEI)
        return [Ran(False, b"", 1)]

    async def raw_transaction(self, tx_hash: Hash) -> bytes | None:
        return None


def place(stage: Stage) -> BehindHint:
    codes = {Address("0x" + "11" * 20): b"\1"}
    executor = Executor(account(9), load_artifact("executor").abi)
    return behind_hint(TX, NOTHING, HEAD, 1012, Supposed(stage, codes), executor, OPERATOR, 7, 2 * GWEI)


async def test_simulate__behind_a_hint__ours_alone_on_the_state_that_it_supposes() -> None:
    stage = Stage()
    found = await place(stage).simulate([sample_plan(1)])
    assert (found.plans, len(found.rejections)) == ((), 1)
    assert stage.codes == {"0x" + "11" * 20: b"\1"}


@pytest.mark.parametrize(
    ("ceiling", "fees"),
    [(50, Fees(2 * GWEI, 18 * GWEI)), (9, Fees(2 * GWEI, 9 * GWEI)), (8, None)],
)
def test_fees__behind_a_hint__those_of_any_private_transaction(ceiling: int, fees: Fees | None) -> None:
    behind = place(Stage())
    assert behind.fees(ceiling * GWEI) == fees
    assert (behind.front, behind.alone, behind.updates) == ((TX,), True, ())


class Quiet:
    """Everything around an outbox that lets all through and says nothing; counts what is looked at."""

    def __init__(self) -> None:
        self.looked: list[int] = []

    async def objection(self, head: Any) -> None:
        return None

    def standstill(self, who: str, why: Any) -> None:
        return None

    def say_all(self, event: Any, told: Any) -> None:
        assert not list(told)

    @property
    def purse(self) -> int | None:
        return None

    async def look(self, plans: Any, behind: Any = None) -> Look:
        self.looked.append(len(plans))
        return Look(None)

    async def carry_out(self, look: Any, behind: Any = None) -> Idle:
        return Idle()


@pytest.mark.parametrize(("alone", "looked"), [(True, [2]), (False, [2, 2, 1])])
async def test_outbox__behind_a_hint__one_batch_only(alone: bool, looked: list[int]) -> None:
    quiet: Any = Quiet()
    outbox = Outbox(quiet, quiet, quiet, quiet, BatchLimits(steps=2))
    plans = [sample_plan(number) for number in range(5)]
    await outbox.send(plans, HEAD, place(Stage()) if alone else None)
    assert quiet.looked == looked
