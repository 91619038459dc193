"""How much of a screen is known before it is computed: markets whose values are quantities times factors."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import Floats

LEGS = 129
"""Base units by which the roundings of one account's collateral can add up: 128 legs and a half."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What a frame multiplies quantities with.

    `collateral` and `debt` are base units per raw unit, without thresholds; `unit` base units per token
    unit, all by the protocol's number of the asset. 0 where there is no price.
    `fixed` is everything else that the screen depends on: thresholds, groups, what counts.
    """

    collateral: tuple[float, ...]
    debt: tuple[float, ...]
    unit: tuple[float, ...]
    fixed: object


@runtime_checkable
class Scaled(Protocol):
    """A market whose screen is N / D.

        N = sum over collateral of t * max(q * collateral - unit - 1, 0)
        D = sum over debt of (q * debt + unit + 1)

    The sums go over an account's legs; q is a leg's quantity in the book and 0 <= t <= 1 its threshold,
    which `fixed` determines. N may be less by up to a half.
    """

    def factors(self, frame: Any) -> Factors | None:
        """Those of `frame`; None where some account's health depends on more than its legs."""
        ...

    def screen_of(self, rows: NDArray[np.intp], frame: Any) -> Floats:
        """As `screen`, of the accounts in `rows` alone; only where there are factors."""
        ...
