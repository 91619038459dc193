"""The last look: failing plans go, the rest stays, the node's silence is passed on."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from keeper.artifacts import load_artifact
from keeper.errors import CallReverted, Unreachable
from keeper.execute.executor import Executor
from keeper.execute.simulate import PASSES, Believer, Simulator
from keeper.plan.data_fees import GAS_PRICE_ORACLE
from keeper.plan.model import Reason
from keeper.ports import BlockId, NextBlock, Simulated
from keeper.types import USD, WAD, Address, BlockRef, Call
from tests.execute_samples import EXECUTOR, OPERATOR, account, block_ref, sample_plan

LIQUIDATION = (
    "(uint256,address,address,address,address,uint256,uint256,address,uint256,uint256,bytes,"
    "(address,uint256,(address,uint24)[3])[])"
)


def error(text: str) -> bytes:
    return keccak(b"Error(string)")[:4] + encode(["string"], [text])


class Contract:
    """A chain whose executor fails the accounts in `failing`, with their reasons, as the real one does."""

    def __init__(self, failing: Mapping[Address, str], *, gas: int | None = None, data_fee: int = 0) -> None:
        self.failing = failing
        self.gas = gas
        self.data_fee = data_fee
        self.batches: list[list[Address]] = []
        self.then: NextBlock | None = None
        self.head = block_ref(100)

    async def block(self, block: BlockId = "latest") -> BlockRef:
        assert block == "latest"
        return self.head

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        """A chain that takes `data_fee` wei for bytes, as an OP-stack one; nothing by default."""
        told = encode(["uint256"], [self.data_fee]) if self.data_fee else b""
        return [told if call.to == GAS_PRICE_ORACLE else b"" for call in calls]

    async def simulate(self, call: Call, sender: Address, then: NextBlock) -> Simulated:
        assert (call.to, sender) == (EXECUTOR, OPERATOR)
        self.then = then
        accounts = [each[2] for each in decode([LIQUIDATION + "[]", "bytes"], call.data[4:])[0]]
        self.batches.append(accounts)
        reasons = [self.reason(each) for each in accounts]
        if all(reasons):
            first = encode(["bytes"], [error(reasons[0] or "")])
            raise CallReverted("execution reverted", keccak(b"NothingDone(bytes)")[:4] + first)
        results = [
            (not reason, 0 if reason else 49_000_000, error(reason) if reason else b"") for reason in reasons
        ]
        return Simulated(encode(["(bool,uint256,bytes)[]"], [results]), self.gas)

    def reason(self, each: Address) -> str | None:
        return self.failing.get(each)


class Shifting(Contract):
    """Fails another account at every call: the head moves."""

    def reason(self, each: Address) -> str | None:
        return "moved" if each == account(len(self.batches)) else None


class Strict(Contract):
    """Its contracts fail in a block that is not after the head, as those that count interest do."""

    async def simulate(self, call: Call, sender: Address, then: NextBlock) -> Simulated:
        if then.number <= self.head.number or then.timestamp <= self.head.timestamp:
            self.failing = dict.fromkeys(map(account, range(9)), "panic 0x11")
        try:
            return await super().simulate(call, sender, then)
        finally:
            self.failing = {}


def simulator(chain: Any, base: str = "latest") -> Simulator:
    return Simulator(chain, Executor(EXECUTOR, load_artifact("executor").abi), OPERATOR, base)


async def test_simulate__all_succeed__one_call_and_all_steps() -> None:
    chain = Contract({})
    found = await simulator(chain).simulate([sample_plan(1), sample_plan(2)])
    assert [step.account for step in found.steps] == [account(1), account(2)]
    assert [step.simulated for step in found.steps] == [49_000_000] * 2
    assert found.rejections == ()
    assert len(chain.batches) == 1


async def test_simulate__one_fails__dropped_with_its_reason_and_the_rest_tried_again() -> None:
    chain = Contract({account(2): "unprofitable"})
    plans = [sample_plan(number) for number in (1, 2, 3)]
    found = await simulator(chain).simulate(plans)
    assert found.plans == (plans[0], plans[2])
    assert chain.batches[-1] == [account(1), account(3)]
    (rejection,) = found.rejections
    assert (rejection.account, rejection.reason) == (account(2), Reason.SIMULATION_FAILED)
    assert (rejection.detail, rejection.best) == ("unprofitable", plans[1])
    assert decode([LIQUIDATION + "[]", "bytes"], found.call.data[4:])[0][1][2] == account(3)


async def test_simulate__all_fail__each_is_told_its_own_reason() -> None:
    chain = Contract({account(1): "no swap pool", account(2): "unprofitable"})
    found = await simulator(chain).simulate([sample_plan(1), sample_plan(2)])
    assert found.steps == ()
    assert [rejection.detail for rejection in found.rejections] == ["no swap pool", "unprofitable"]


async def test_simulate__the_head_has_moved_on_meanwhile__tried_in_the_block_after_it() -> None:
    chain = Strict({})
    chain.head = block_ref(102)
    found = await simulator(chain).simulate([sample_plan(1), sample_plan(2)])
    assert [step.account for step in found.steps] == [account(1), account(2)]
    assert found.rejections == ()
    assert chain.then == NextBlock(103, chain.head.timestamp + 1)


async def test_simulate__the_head_keeps_moving__ends_after_its_passes() -> None:
    chain = Shifting({})
    found = await simulator(chain).simulate([sample_plan(number) for number in range(1, 9)])
    assert len(chain.batches) == PASSES
    assert len(found.steps) == 8 - PASSES
    assert [rejection.detail for rejection in found.rejections] == ["moved"] * PASSES


@pytest.mark.parametrize(
    ("base", "then"),
    [
        ("latest", NextBlock(101, 1_700_001_212, "latest")),
        ("pending", NextBlock(102, 1_700_001_213, "pending")),
    ],
)
async def test_simulate__a_plan_for_the_next_block__tried_in_that_block(base: str, then: NextBlock) -> None:
    chain = Contract({})
    await simulator(chain, base).simulate([replace(sample_plan(1), lands=1_700_001_212)])
    assert chain.then == then


async def test_simulate__gas_and_data_fee_are_known__shared_among_the_steps_to_the_unit() -> None:
    chain = Contract({}, gas=700_001, data_fee=10**15 + 1)
    found = await simulator(chain).simulate([sample_plan(1), sample_plan(2)])
    assert sum(step.gas for step in found.steps) == 700_001
    assert sum(step.data_fee for step in found.steps) == 10**15 + 1
    for step in found.steps:  # 1 gwei a unit of gas, 2000 USD an ether
        assert step.gas_usd == pytest.approx((step.gas * 10**9 + step.data_fee) * 2000 * USD // WAD, abs=1)
        assert step.net_usd == step.gross_usd - step.gas_usd


async def test_simulate__bytes_became_dearer_than_the_profit__not_sent() -> None:
    chain = Contract({}, gas=500_000, data_fee=WAD // 40)  # 50 USD, where 49 are left
    found = await simulator(chain).simulate([sample_plan(1)])
    assert found.steps == ()
    (rejection,) = found.rejections
    assert rejection.reason is Reason.UNPROFITABLE
    assert rejection.detail == "brings $49.00 by now, gas and data cost $51.00"


async def test_simulate__no_node_answers__raises_transient() -> None:
    class Silent:
        async def call_many(self, *_: object, **__: object) -> list[bytes | None]:
            return [b""] * 6

        async def simulate(self, *_: object) -> Simulated:
            raise Unreachable("no answer")

    with pytest.raises(Unreachable):
        await simulator(Silent()).simulate([sample_plan(1)])


async def test_simulate__believer__takes_plans_at_their_word() -> None:
    found = await Believer(Executor(EXECUTOR, load_artifact("executor").abi)).simulate([sample_plan(1)])
    assert [step.simulated for step in found.steps] == [50_000_000]
    assert (found.plans, found.rejections) == ((sample_plan(1),), ())
