"""What each liquidation of a batch costs, from what the batch as a whole was seen to cost."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.execute.push import MAX_GAS
from keeper.plan.data_fees import Exact
from keeper.plan.model import Profit


class Charge(NamedTuple):
    """`gas` in units, `data_fee` in wei."""

    gas: int
    data_fee: int


def charges(plans: Sequence[Profit], gas: int | None, exact: Exact) -> list[Charge]:
    """The costs of `plans`, which used `gas` together if that is known, and `exact` for their bytes.

    Where bytes are paid in gas, what a simulation used is not believed: nodes leave that part out of it.
    """
    data_gas = share(exact.gas, [plan.data_gas for plan in plans])
    units = [plan.gas - plan.data_gas + part for plan, part in zip(plans, data_gas, strict=True)]
    if gas is not None and not exact.gas:
        units = share(gas, [plan.gas for plan in plans])
    fees = share(exact.wei, [plan.data_fee for plan in plans])
    return [Charge(*parts) for parts in zip(units, fees, strict=True)]


def limit(used: int, expected: int) -> int:
    """A gas limit for what `used` so much in a simulation, refunds taken off; `expected` was planned.

    What is refunded at the end has to be there before (a fifth at most, EIP-3529), and 1/64 stays behind at
    every call.
    """
    return min(max(expected, used * 3 // 2), MAX_GAS)


def share(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights` (evenly when all are zero); the parts add up exactly."""
    parts = list(weights) if any(weights) else [1] * len(weights)
    whole, passed, given, shares = sum(parts), 0, 0, []
    for part in parts:
        passed += part
        due = total * passed // whole
        shares.append(due - given)
        given = due
    return shares
