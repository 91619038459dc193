"""The last look: failing plans go, the rest stays, the node's silence is passed on."""

from collections.abc import Mapping
from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from keeper.artifacts import load_artifact
from keeper.errors import CallReverted, Unreachable
from keeper.execute.executor import Executor
from keeper.execute.simulate import PASSES, Believer, Simulator
from keeper.plan.model import Reason
from keeper.ports import BlockId
from keeper.types import Address, Call
from tests.execute_samples import EXECUTOR, OPERATOR, account, sample_plan

LIQUIDATION = (
    "(uint256,address,address,address,address,uint256,uint256,address,uint256,uint256,bytes,"
    "(address,uint256,(address,uint24)[3])[])"
)


def error(text: str) -> bytes:
    return keccak(b"Error(string)")[:4] + encode(["string"], [text])


class Contract:
    """A chain whose executor fails the accounts in `failing`, with their reasons, as the real one does."""

    def __init__(self, failing: Mapping[Address, str]) -> None:
        self.failing = failing
        self.batches: list[list[Address]] = []

    async def call(self, call: Call, block: BlockId = "latest", sender: Address | None = None) -> bytes:
        assert (call.to, block, sender) == (EXECUTOR, "latest", OPERATOR)
        accounts = [each[2] for each in decode([LIQUIDATION + "[]", "bytes"], call.data[4:])[0]]
        self.batches.append(accounts)
        reasons = [self.reason(each) for each in accounts]
        if all(reasons):
            first = encode(["bytes"], [error(reasons[0] or "")])
            raise CallReverted("execution reverted", keccak(b"NothingDone(bytes)")[:4] + first)
        results = [(not reason, 0 if reason else 49, error(reason) if reason else b"") for reason in reasons]
        return encode(["(bool,uint256,bytes)[]"], [results])

    def reason(self, each: Address) -> str | None:
        return self.failing.get(each)


class Shifting(Contract):
    """Fails another account at every call: the head moves."""

    def reason(self, each: Address) -> str | None:
        return "moved" if each == account(len(self.batches)) else None


def simulator(chain: Any) -> Simulator:
    return Simulator(chain, Executor(EXECUTOR, load_artifact("executor").abi), OPERATOR)


async def test_simulate__all_succeed__one_call_and_all_steps() -> None:
    chain = Contract({})
    found = await simulator(chain).simulate([sample_plan(1), sample_plan(2)])
    assert [step.account for step in found.steps] == [account(1), account(2)]
    assert [step.simulated for step in found.steps] == [49, 49]
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


async def test_simulate__the_head_keeps_moving__ends_after_its_passes() -> None:
    chain = Shifting({})
    found = await simulator(chain).simulate([sample_plan(number) for number in range(1, 9)])
    assert len(chain.batches) == PASSES
    assert len(found.steps) == 8 - PASSES
    assert [rejection.detail for rejection in found.rejections] == ["moved"] * PASSES


async def test_simulate__no_node_answers__raises_transient() -> None:
    class Silent:
        async def call(self, *_: object, **__: object) -> bytes:
            raise Unreachable("no answer")

    with pytest.raises(Unreachable):
        await simulator(Silent()).simulate([sample_plan(1)])


async def test_simulate__believer__takes_plans_at_their_word() -> None:
    found = await Believer(Executor(EXECUTOR, load_artifact("executor").abi)).simulate([sample_plan(1)])
    assert [step.simulated for step in found.steps] == [50_000_000]
    assert (found.plans, found.rejections) == ((sample_plan(1),), ())
