"""The executor contract's language: plans to calldata, return data and receipts back to facts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from eth_abi.abi import decode
from eth_utils.abi import (
    event_abi_to_log_topic,
    filter_abi_by_name,
    function_abi_to_4byte_selector,
    get_abi_output_types,
)

from keeper.execute.abi import encode
from keeper.execute.reasons import revert_reason
from keeper.plan.model import Leg, Loan, Plan
from keeper.protocols.base import FlashKind
from keeper.protocols.decode import words
from keeper.types import ZERO_ADDRESS, Address, Call, Log

MAX_PLANS = 16
"""Most liquidations that the executor takes in a transaction."""

MAX_HOPS = 3
"""Hops of each leg, in the calldata always as many; unused ones are empty."""


class Result(NamedTuple):
    """What the executor answered for one liquidation. `profit` in debt-token units."""

    ok: bool
    profit: int
    reason: str


class Liquidated(NamedTuple):
    """A liquidation was carried out. `repaid`, `profit` in debt units, `seized` in collateral units.

    `bid`, also in debt units, went to the block's builder; `profit` is what the owner got.
    """

    account: Address
    debt: Address
    collateral: Address
    repaid: int
    seized: int
    profit: int
    bid: int = 0


class Skipped(NamedTuple):
    """The executor undid a liquidation and went on with the next."""

    account: Address
    reason: str


class Executor:
    """Encodes batches for the executor at `address` and decodes what it says.

    Args:
        address: where the executor is deployed.
        abi: its ABI, with `execute`, `Liquidated` and `Skipped`.
    """

    def __init__(self, address: Address, abi: Sequence[Mapping[str, Any]]) -> None:
        self.address = address
        execute = _entry(abi, "execute")
        self.selector: bytes = function_abi_to_4byte_selector(execute)
        self._outputs = get_abi_output_types(execute)
        self._fields = tuple(part["name"] for part in execute["inputs"][0]["components"])
        self._liquidated = _topic(_entry(abi, "Liquidated"))
        self._skipped = _topic(_entry(abi, "Skipped"))

    def batch(self, plans: Iterable[Plan]) -> Call:
        """The call that carries out `plans` in order, each isolated from the others.

        Raises:
            ValueError: more than MAX_PLANS, or more than one that an aggregator sells for.
        """
        batch = list(plans)
        calls = [call for plan in batch for call in plan.route.calls]
        if len(batch) > MAX_PLANS or len(calls) > 1:
            raise ValueError(f"{len(batch)} plans with {len(calls)} router calls do not fit in a transaction")
        values = [self._values(plan) for plan in batch]
        return Call(self.address, self.selector + encode(values, b"".join(calls)))

    def results(self, data: bytes) -> list[Result]:
        """What a call of `batch` returned, in the order of its plans."""
        (results,) = decode(self._outputs, data)
        return [Result(ok, profit, "" if ok else revert_reason(reason)) for ok, profit, reason in results]

    def events(self, logs: Iterable[Log]) -> list[Liquidated | Skipped]:
        """The executor's own words in a receipt: one event for each plan of the batch, in its order."""
        events: list[Liquidated | Skipped] = []
        for log in logs:
            if log.address != self.address or not log.topics:
                continue
            if log.topics[0] == self._liquidated:
                account, debt, collateral = map(_topic_address, log.topics[1:])
                events.append(Liquidated(account, debt, collateral, *words(log, 4)))
            elif log.topics[0] == self._skipped:
                (reason,) = decode(["bytes"], bytes.fromhex(log.data.removeprefix("0x")))
                events.append(Skipped(_topic_address(log.topics[1]), revert_reason(reason)))
        return events

    def _values(self, plan: Plan) -> tuple[Any, ...]:
        opportunity, instruction = plan.opportunity, plan.instruction
        loan = plan.loan or Loan(FlashKind.NONE, ZERO_ADDRESS)
        values = {
            "dialect": instruction.dialect,
            "venue": instruction.venue,
            "account": plan.borrower,
            "collateral": opportunity.collateral.address,
            "debt": opportunity.debt.address,
            "repay": plan.request,
            "source": loan.kind,
            "lender": loan.lender,
            "bid_bps": plan.bid_bps,
            "min_profit": plan.min_profit,
            "data": instruction.data,
            "legs": [_leg(leg) for leg in plan.route.legs],
        }
        return tuple(values[field] for field in self._fields)


def _leg(leg: Leg) -> tuple[Any, ...]:
    hops = [(hop.token_out, hop.fee) for hop in leg.hops]
    return leg.venue, leg.amount_in, (*hops, *[(ZERO_ADDRESS, 0)] * (MAX_HOPS - len(hops)))


def _entry(abi: Sequence[Mapping[str, Any]], name: str) -> Any:
    (entry,) = filter_abi_by_name(name, abi)  # type: ignore[arg-type]
    return entry


def _topic(event: Any) -> str:
    return "0x" + event_abi_to_log_topic(event).hex()


def _topic_address(topic: str) -> Address:
    return Address("0x" + topic[-40:])
