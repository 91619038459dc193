"""What remains of an account when liquidators take all they may."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Generic, NamedTuple, Protocol, TypeVar

from keeper.protocols.aave_v3.liquidation import liquidate
from keeper.protocols.aave_v3.loans import balance
from keeper.protocols.aave_v3.model import AaveFrame, Pair, ReserveFrame
from keeper.protocols.aave_v3.pair import examine
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.ranges import accepted
from keeper.protocols.base import Exhaustion, Refusal
from keeper.protocols.runs import Range
from keeper.types import Address

MOST_STEPS = 128
"""Every call halves one debt at most. From a trillion dollars that takes 30 to v3's floor, 47 to a cent."""


class AnyPair(Protocol):
    """What the pairs of all versions have."""

    @property
    def debt(self) -> ReserveFrame: ...
    @property
    def collateral(self) -> ReserveFrame: ...
    @property
    def most(self) -> int: ...


class AnyOutcome(Protocol):
    """What the outcomes of all versions have."""

    @property
    def repay(self) -> int: ...
    @property
    def seize(self) -> int: ...
    @property
    def bad_debt(self) -> Mapping[int, int]: ...
    @property
    def after(self) -> Position: ...


P = TypeVar("P", bound=AnyPair)


class Pool(NamedTuple, Generic[P]):
    """How a version's pool liquidates in a frame: see its `pair`, `liquidation` and `ranges`."""

    examine: Callable[[Position, int, int], P | Refusal]
    liquidate: Callable[[P, int], AnyOutcome | Refusal]
    accepted: Callable[[P], tuple[Range, ...]]


def exhaust(position: Position, frame: AaveFrame) -> Exhaustion:
    """As `exhausted`, by the rules of v3."""
    return exhausted(position, frame, pool_of(frame))


def pool_of(frame: AaveFrame) -> Pool[Pair]:
    return Pool(partial(examine, frame=frame), liquidate, accepted)


def exhausted(position: Position, frame: AaveFrame, pool: Pool[P]) -> Exhaustion:
    """Repeat the liquidation that repays most value until the pool refuses every pair.

    Prices, and the liquidity that reserves can pay out, stay as they are in the frame.

    Raises:
        Degraded: the oracle gives no price for an asset the account uses.
    """
    repaid: Counter[int] = Counter()
    seized: Counter[int] = Counter()
    bad_debt: Counter[int] = Counter()
    steps = 0
    while steps < MOST_STEPS and (found := largest(position, pool)):
        pair, outcome = found
        repaid[pair.debt.reserve.id] += outcome.repay
        seized[pair.collateral.reserve.id] += outcome.seize
        bad_debt.update(outcome.bad_debt)
        position = outcome.after
        steps += 1
    if not position.collaterals():
        bad_debt.update({number: _owed(position, number, frame) for number in position.debts()})
    return Exhaustion(steps, _named(repaid, frame), _named(seized, frame), _named(bad_debt, frame))


def largest(position: Position, pool: Pool[P]) -> tuple[P, AnyOutcome] | None:
    """The acceptable call that repays most by the oracle; of equals the one with the lowest ids."""
    best: tuple[P, AnyOutcome] | None = None
    best_value = -1
    for debt in position.debts():
        for collateral in position.collaterals():
            pair = pool.examine(position, debt, collateral)
            if isinstance(pair, Refusal):
                continue
            outcome = _most(pair, pool)
            if outcome is None:
                continue
            value = outcome.repay * pair.debt.price // pair.debt.unit
            if value > best_value:
                best, best_value = (pair, outcome), value
    return best


def _most(pair: P, pool: Pool[P]) -> AnyOutcome | None:
    outcome = pool.liquidate(pair, pair.most)
    if isinstance(outcome, Refusal):
        ranges = pool.accepted(pair)
        outcome = pool.liquidate(pair, ranges[-1][1]) if ranges else outcome
    return None if isinstance(outcome, Refusal) else outcome


def _owed(position: Position, number: int, frame: AaveFrame) -> int:
    loan = position.loan(number)
    variable = frame.rules.v_balance(position.debt(number), frame.numbers[number][1])
    return variable + (balance(loan, frame) if loan else 0)


def _named(amounts: Counter[int], frame: AaveFrame) -> dict[Address, int]:
    reserves = frame.reserves
    return {r.reserve.asset: amounts[r.reserve.id] for r in reserves if r and amounts[r.reserve.id]}
