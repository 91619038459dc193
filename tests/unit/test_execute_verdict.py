"""Success is what the protocol itself reported, step by step; nothing else counts."""

from collections.abc import Iterable
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.artifacts import load_artifact
from keeper.execute.executor import Executor
from keeper.execute.model import StepResult, Verdict
from keeper.execute.verdict import Judge
from keeper.ports import Receipt
from keeper.protocols.base import LiquidationEvent
from keeper.types import Address, Log
from tests.execute_samples import EXECUTOR, OPERATOR, USDC, WETH, account, sample_receipt, sample_step
from tests.logs import mined


class Market:
    """A protocol that reported `events`."""

    def __init__(self, *events: LiquidationEvent, deployment: str = "aave-core") -> None:
        self.deployment = deployment
        self.events = list(events)

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return self.events


def log(signature: bytes, topics: list[str], types: list[str], values: list[object]) -> Log:
    words = ["0x" + keccak(signature).hex(), *("0x" + "0" * 24 + topic[2:] for topic in topics)]
    return mined(EXECUTOR, words, "0x" + encode(types, values).hex())


def liquidated(number: int, repaid: int = 900, seized: int = 500, profit: int = 48) -> Log:
    return log(
        b"Liquidated(address,address,address,uint256,uint256,uint256,uint256)",
        [account(number), USDC.address, WETH.address],
        ["uint256"] * 4,
        [repaid, seized, profit, 0],
    )


def skipped(number: int) -> Log:
    return log(b"Skipped(address,bytes)", [account(number)], ["bytes"], [b"\x01\x02\x03\x04"])


def reported(
    number: int, repaid: int = 900, seized: int = 500, liquidator: Address = EXECUTOR
) -> LiquidationEvent:
    return LiquidationEvent(account(number), USDC.address, WETH.address, repaid, seized, liquidator)


def judge(receipt: Receipt, *markets: Any, steps: tuple[int, ...] = (1, 2)) -> tuple[StepResult, ...]:
    executor = Executor(EXECUTOR, load_artifact("executor").abi)
    return Judge(executor, lambda: markets).judge([sample_step(number) for number in steps], receipt)


def test_judge__protocol_confirms_one_and_one_was_skipped__success_and_skipped() -> None:
    done, undone = judge(sample_receipt(liquidated(1), skipped(2)), Market(reported(1)))
    assert (done.verdict, done.repaid, done.seized, done.profit) == (Verdict.SUCCESS, 900, 500, 48)
    assert (undone.verdict, undone.reason) == (Verdict.SKIPPED, "0x01020304")


def test_judge__receipt_reverted__failure_whatever_its_logs() -> None:
    receipt = sample_receipt(liquidated(1), liquidated(2), succeeded=False)
    results = judge(receipt, Market(reported(1), reported(2)))
    assert [result.verdict for result in results] == [Verdict.REVERTED, Verdict.REVERTED]


@pytest.mark.parametrize(
    "market",
    [
        Market(),
        Market(reported(2)),
        Market(reported(1, repaid=899)),
        Market(reported(1, liquidator=OPERATOR)),
        Market(reported(1), deployment="another"),
    ],
)
def test_judge__protocol_does_not_bear_it_out__unproven(market: Market) -> None:
    (result,) = judge(sample_receipt(liquidated(1)), market, steps=(1,))
    assert result.verdict is Verdict.UNPROVEN


def test_judge__one_report_for_two_steps__proves_only_one() -> None:
    results = judge(sample_receipt(liquidated(1), liquidated(1)), Market(reported(1)), steps=(1, 1))
    assert [result.verdict for result in results] == [Verdict.SUCCESS, Verdict.UNPROVEN]


def test_judge__executor_said_nothing__unproven() -> None:
    results = judge(sample_receipt(), Market(reported(1), reported(2)))
    assert [result.verdict for result in results] == [Verdict.UNPROVEN, Verdict.UNPROVEN]
