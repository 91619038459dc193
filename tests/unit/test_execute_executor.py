"""Calldata, results and events of the executor, against its compiled ABI."""

from dataclasses import replace

import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak
from msgspec import structs

from keeper.artifacts import load_artifact
from keeper.errors import Fatal
from keeper.execute.executor import Executor, Liquidated, Result, Skipped
from keeper.execute.reasons import revert_reason
from keeper.plan.model import Leg
from keeper.types import ZERO_ADDRESS, Address, Log
from tests.execute_samples import EXECUTOR, FACTORY, POOL, USDC, WETH, account, sample_plan
from tests.logs import mined

ROUTER = Address("0x" + "40" * 20)
UNUSED = (ZERO_ADDRESS, 0)
LIQUIDATION = (
    "(uint256,address,address,address,address,uint256,uint256,address,uint256,uint256,bytes,"
    "(address,uint256,(address,uint24)[3])[])"
)


@pytest.fixture
def executor() -> Executor:
    return Executor(EXECUTOR, load_artifact("executor").abi)


def error(text: str) -> bytes:
    return keccak(b"Error(string)")[:4] + encode(["string"], [text])


def event(signature: bytes, topics: list[str], types: list[str], values: list[object]) -> Log:
    name = "0x" + keccak(signature).hex()
    padded = ["0x" + "0" * 24 + topic[2:] for topic in topics]
    return mined(EXECUTOR, (name, *padded), "0x" + encode(types, values).hex())


def liquidated(number: int, *amounts: int) -> Log:
    return event(
        b"Liquidated(address,address,address,uint256,uint256,uint256,uint256)",
        [account(number), USDC.address, WETH.address],
        ["uint256"] * 4,
        list(amounts),
    )


def skipped(number: int, reason: bytes) -> Log:
    return event(b"Skipped(address,bytes)", [account(number)], ["bytes"], [reason])


def test_batch__two_plans__decodes_to_their_fields_in_order(executor: Executor) -> None:
    call = executor.batch([sample_plan(1), sample_plan(2, repay=7)])
    assert call.to == EXECUTOR
    assert call.data[:4] == keccak(f"execute({LIQUIDATION}[],bytes)".encode())[:4] == executor.selector
    batch, router_call = decode([LIQUIDATION + "[]", "bytes"], call.data[4:])
    legs = ((FACTORY, 525 * 10**15, ((USDC.address, 500), UNUSED, UNUSED)),)
    assert batch == (
        (0, POOL, account(1), WETH.address, USDC.address, 10**9, 1, POOL, 0, 45_000_000, b"", legs),
        (0, POOL, account(2), WETH.address, USDC.address, 7, 1, POOL, 0, 45_000_000, b"", legs),
    )
    assert router_call == b""


def test_batch__a_router_sells__its_call_goes_with_the_transaction(executor: Executor) -> None:
    plan = sample_plan(1)
    leg = Leg(ROUTER, (), 5, b"swap")
    routed = replace(plan, route=replace(plan.route, legs=(leg, *plan.route.legs)), loan=None, bid_bps=9)
    (batch, router_call) = decode([LIQUIDATION + "[]", "bytes"], executor.batch([routed]).data[4:])
    assert batch[0][6:9] == (0, ZERO_ADDRESS, 9)
    assert batch[0][11][0] == (ROUTER, 5, (UNUSED,) * 3)
    assert router_call == b"swap"
    with pytest.raises(ValueError, match="2 router calls"):
        executor.batch([routed, routed])
    with pytest.raises(ValueError, match="17 plans"):
        executor.batch([plan] * 17)


def test_results__success_and_failure__profit_and_reason(executor: Executor) -> None:
    data = encode(["(bool,uint256,bytes)[]"], [[(True, 12, b""), (False, 0, error("unprofitable"))]])
    assert executor.results(data) == [
        Result(ok=True, profit=12, reason=""),
        Result(ok=False, profit=0, reason="unprofitable"),
    ]


def test_events__receipt_with_foreign_logs__only_the_executors_in_order(executor: Executor) -> None:
    stranger = structs.replace(liquidated(9, 1, 1, 1, 0), address=Address("0x" + "99" * 20))
    logs = [stranger, skipped(1, error("no swap pool")), liquidated(2, 10, 20, 3, 1)]
    assert executor.events(logs) == [
        Skipped(account(1), "no swap pool"),
        Liquidated(account(2), USDC.address, WETH.address, 10, 20, 3, 1),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "reverted without a reason"),
        (error("unprofitable"), "unprofitable"),
        (error("x" * 100)[:132], "x" * 64),
        (keccak(b"Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "panic 0x11"),
        (keccak(b"NothingDone(bytes)")[:4] + encode(["bytes"], [error("no loan")]), "no loan"),
        (keccak(b"Refused(uint256)")[:4] + encode(["uint256"], [3]), "the protocol refused with code 3"),
        (bytes.fromhex("930bb771"), "0x930bb771"),
        (keccak(b"Panic(uint256)")[:4], "0x4e487b71"),
        (keccak(b"Error(string)")[:4], "0x08c379a0"),
    ],
)
def test_revert_reason__known_and_unknown_data__words_or_hex(data: bytes, reason: str) -> None:
    assert revert_reason(data) == reason


def test_load_artifact__unknown_name__is_fatal() -> None:
    with pytest.raises(Fatal, match="nowhere"):
        load_artifact("nowhere")
