"""What L2s take for bytes, read from contracts that speak as theirs do, at the addresses of theirs."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from vyper.compiler import compile_code

from keeper.artifacts import load_artifact
from keeper.chain.rpc import Rpc
from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.execute.executor import Executor
from keeper.index.conversation import converse
from keeper.plan.data_fee import ENVELOPE, FREE, transaction_size
from keeper.plan.data_fees import FRESH, GAS_PRICE_ORACLE, NODE_INTERFACE, DataFees, Exact
from keeper.types import Address
from tests.devnet import running_chain
from tests.execute_samples import EXECUTOR, sample_plan

TESTING = Path(__file__).resolve().parents[2] / "contracts" / "testing"
PRICE = 10**15

Scene = tuple[Node, Rpc]
Setter = Callable[..., Awaitable[None]]


@pytest.fixture(scope="module")
def contracts() -> dict[str, tuple[Contract, str]]:
    """ABI and run-time code by name."""
    built = {}
    for name in ("gas_price_oracle", "node_interface"):
        made = compile_code((TESTING / f"{name}.vy").read_text(), output_formats=["abi", "bytecode_runtime"])
        built[name] = Contract(made["abi"]), made["bytecode_runtime"]
    return built


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with running_chain() as (anvil, node), Rpc(anvil.http) as rpc:
        yield node, rpc


@pytest.fixture
def op(scene: Scene, contracts: dict[str, tuple[Contract, str]]) -> Setter:
    return setter(scene[0], GAS_PRICE_ORACLE, *contracts["gas_price_oracle"], "set_price")


@pytest.fixture
def arbitrum(scene: Scene, contracts: dict[str, tuple[Contract, str]]) -> Setter:
    return setter(scene[0], NODE_INTERFACE, *contracts["node_interface"], "set_gas_per_byte")


def setter(node: Node, at: Address, contract: Contract, code: str, name: str) -> Setter:
    async def put(*args: object) -> None:
        await node.request("anvil_setCode", at, code)
        await node.send(Tx((await node.accounts())[0], at, contract.encode(name, *args)))

    return put


def calldata(plans: int = 1) -> bytes:
    executor = Executor(EXECUTOR, load_artifact("executor").abi)
    return executor.batch([sample_plan(number) for number in range(1, plans + 1)]).data


async def test_read__chain_without_data_fees__is_asked_once(scene: Scene) -> None:
    _, rpc = scene
    fees, head = DataFees(), await rpc.block()
    assert await converse(fees.read(head), rpc, "latest") is FREE
    assert await converse(fees.exact(calldata(), head), rpc, "latest") == Exact()
    later = head._replace(timestamp=head.timestamp + 100 * FRESH)
    with pytest.raises(StopIteration):
        next(fees.read(later))


@pytest.mark.parametrize("is_fjord", [True, False])
async def test_read__op_stack__bounds_what_the_real_transaction_costs(
    scene: Scene, op: Setter, is_fjord: bool
) -> None:
    _, rpc = scene
    await op(PRICE, is_fjord)
    fees, head = DataFees(), await rpc.block()
    fee = await converse(fees.read(head), rpc, "latest")
    plan = sample_plan(1)
    bound = fee.wei(transaction_size(plan.instruction, plan.route))
    exact = await converse(fees.exact(calldata(), head), rpc, "latest")
    assert (fee.in_gas, exact.gas) == (False, 0)
    zeros = calldata().count(0)
    quarters = (68 + ENVELOPE + len(calldata()) - zeros) * 4 + zeros
    assert exact.wei == quarters * 10**6 // 4 * PRICE // 10**12
    assert exact.wei < bound < 4 * exact.wei


async def test_read__arbitrum__bytes_cost_gas(scene: Scene, arbitrum: Setter) -> None:
    _, rpc = scene
    await arbitrum(320)
    fees, head = DataFees(), await rpc.block()
    fee = await converse(fees.read(head), rpc, "latest")
    plan = sample_plan(1)
    size = transaction_size(plan.instruction, plan.route)
    exact = await converse(fees.exact(calldata(), head), rpc, "latest")
    assert (fee.wei(size), exact.wei) == (0, 0)
    assert fee.gas(size) == (140 + size - ENVELOPE) * 320
    assert exact.gas == (140 + len(calldata()) - calldata().count(0)) * 320


async def test_read__price_below_rises__known_when_the_answer_is_no_longer_fresh(
    scene: Scene, op: Setter
) -> None:
    _, rpc = scene
    await op(PRICE, True)
    fees, head = DataFees(), await rpc.block()
    before = await converse(fees.read(head), rpc, "latest")
    await op(3 * PRICE, True)
    at = head._replace(timestamp=head.timestamp + FRESH - 1)
    assert await converse(fees.read(at), rpc, "latest") == before
    at = head._replace(timestamp=head.timestamp + FRESH)
    after = await converse(fees.read(at), rpc, "latest")
    assert after.wei(1000) == pytest.approx(3 * before.wei(1000), abs=3)


async def test_read__oracle_falls_silent__the_last_answer_holds(scene: Scene, op: Setter) -> None:
    node, rpc = scene
    await op(PRICE, True)
    fees, head = DataFees(), await rpc.block()
    before = await converse(fees.read(head), rpc, "latest")
    await node.request("anvil_setCode", GAS_PRICE_ORACLE, "0x")
    later = head._replace(timestamp=head.timestamp + FRESH)
    assert await converse(fees.read(later), rpc, "latest") == before
    exact = await converse(fees.exact(calldata(), later), rpc, "latest")
    assert exact == Exact(wei=before.wei(ENVELOPE + len(calldata())))
