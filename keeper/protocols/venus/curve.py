"""Interest rate models: parameters read once, then the model's own arithmetic. Rates are wads a block.

Sources: JumpRateModel.sol and BaseJumpRateModelV2.sol (`jump`), WhitePaperInterestRateModel.sol
(`linear`), TwoKinksInterestRateModel.sol (`two_kinks`). A model of another kind, or one seen to answer
otherwise, is `unknown`: its rate is read at every head, which is the rate that the next accrual uses.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Reads
from keeper.protocols.decode import call, uint
from keeper.types import WAD, Address


class Kind(IntEnum):
    """Which formula a model follows."""

    UNKNOWN = 0
    LINEAR = 1
    JUMP = 2
    TWO_KINKS = 3


class Curve(NamedTuple):
    """A model's parameters as its getters (or NewInterestParams) give them; `checked` once seen to be right.

    linear: base, slope. jump: base, slope, jump, kink. two kinks: base, slope, kink, second base, second
    slope, second kink, jump, rate up to the first kink, rate up to the second.
    """

    kind: int
    numbers: tuple[int, ...] = ()
    checked: int = 0


UNKNOWN = Curve(int(Kind.UNKNOWN))


def utilization(cash: int, borrows: int, reserves: int) -> int:
    """The lent part of what suppliers own, wad."""
    if borrows == 0:
        return 0
    return borrows * WAD // max(cash + borrows - reserves, 1)


def borrow_rate(curve: Curve, cash: int, borrows: int, reserves: int) -> int | None:
    """What the model's getBorrowRate gives, None where its formula is not known."""
    use = utilization(cash, borrows, reserves)
    if curve.kind == Kind.LINEAR:
        base, slope = curve.numbers
        return use * slope // WAD + base
    if curve.kind == Kind.JUMP:
        base, slope, jump, kink = curve.numbers
        if use <= kink:
            return use * slope // WAD + base
        return (use - kink) * jump // WAD + (kink * slope // WAD + base)
    if curve.kind == Kind.TWO_KINKS:
        return _two_kinks(curve.numbers, min(use, WAD))
    return None


def _two_kinks(numbers: Sequence[int], use: int) -> int:
    base, slope, kink, base_2, slope_2, kink_2, jump, rate_1, rate_2 = numbers
    if use < kink:
        rate = _towards_zero(use * slope) + base
    elif use < kink_2:
        rate = rate_1 + _towards_zero((use - kink) * slope_2) + base_2
    else:
        rate = rate_1 + rate_2 + _towards_zero((use - kink_2) * jump)
    return max(rate, 0)


def _towards_zero(product: int) -> int:
    """Solidity's signed division by a wad."""
    return product // WAD if product >= 0 else -(-product // WAD)


_UNITS = ("PerBlock()", "PerTimestamp()", "PerBlockOrTimestamp()")
_SECOND_UNITS = ("_PER_BLOCK()", "_PER_BLOCK_OR_SECOND()")
_GETTERS = ("baseRate", "multiplier", "jumpMultiplier")
_SECOND_GETTERS = ("BASE_RATE", "MULTIPLIER", "BASE_RATE_2", "MULTIPLIER_2", "JUMP_MULTIPLIER")
_CONSTANTS = ("KINK_1()", "KINK_2()", "RATE_1()", "RATE_2()")


def read_curves(models: Sequence[Address]) -> Reads[dict[Address, Curve]]:
    """Ask models for their parameters."""
    asked = [
        *(name + unit for unit in _UNITS for name in _GETTERS),
        "kink()",
        *(name + unit for unit in _SECOND_UNITS for name in _SECOND_GETTERS),
        *_CONSTANTS,
    ]
    if not models:
        return {}
    answers = yield [call(model, name) for model in models for name in asked]
    found = {}
    for place, model in enumerate(models):
        part = answers[place * len(asked) : (place + 1) * len(asked)]
        found[model] = _curve(dict(zip(asked, map(uint, part), strict=True)))
    return found


def _curve(said: dict[str, int | None]) -> Curve:
    for unit in _UNITS:
        base, slope, jump = (said[name + unit] for name in _GETTERS)
        if base is None or slope is None:
            continue
        kink = said["kink()"]
        if jump is not None and kink is not None:
            return Curve(int(Kind.JUMP), (base, slope, jump, kink))
        return Curve(int(Kind.LINEAR), (base, slope))
    for unit in _SECOND_UNITS:
        first = [said[name + unit] for name in _SECOND_GETTERS]
        known = [_signed(word) for word in [*first, *(said[name] for name in _CONSTANTS)] if word is not None]
        if len(known) == len(_SECOND_GETTERS) + len(_CONSTANTS):
            base, slope, base_2, slope_2, jump, kink, kink_2, rate_1, rate_2 = known
            numbers = (base, slope, kink, base_2, slope_2, kink_2, jump, rate_1, rate_2)
            return Curve(int(Kind.TWO_KINKS), numbers)
    return UNKNOWN


def _signed(word: int) -> int:
    return word - (1 << 256) if word >> 255 else word
