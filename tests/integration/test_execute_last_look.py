"""The last look at the real executor: our calldata is its language, its reasons reach us."""

from collections.abc import AsyncIterator

import pytest

from keeper.artifacts import load_artifact
from keeper.chain.rpc import Rpc
from keeper.devnet.contract import Contract
from keeper.execute.executor import Executor
from keeper.execute.simulate import Simulator
from keeper.types import ZERO_ADDRESS
from tests.devnet import running_chain
from tests.execute_samples import OPERATOR, account, sample_plan


@pytest.fixture
async def parts() -> AsyncIterator[tuple[Rpc, Executor]]:
    contract = Contract.built("executor")
    async with running_chain() as (anvil, node), Rpc(anvil.http) as rpc:
        owner = (await node.accounts())[0]
        (address,) = await node.deploy(owner, contract.deploy_data(owner, OPERATOR, ZERO_ADDRESS))
        yield rpc, Executor(address, load_artifact("executor").abi)


async def test_simulate__real_executor_refuses__its_reason_is_the_rejection(
    parts: tuple[Rpc, Executor],
) -> None:
    rpc, executor = parts
    found = await Simulator(rpc, executor, OPERATOR).simulate([sample_plan(1), sample_plan(2)])
    assert found.steps == ()
    assert [rejection.detail for rejection in found.rejections] == ["venue not allowed"] * 2


async def test_simulate__not_the_operator__rejected(parts: tuple[Rpc, Executor]) -> None:
    rpc, executor = parts
    found = await Simulator(rpc, executor, account(5)).simulate([sample_plan(1)])
    assert [rejection.detail for rejection in found.rejections] == ["not operator"]
