"""The liquidity of a Uniswap v3 pool over a window of ticks: everything about it that swaps do not change.

The contract walks from one initialised tick, or end of a bitmap word, to the next and rounds at each.
Those steps are the same for every swap, so they are added up once per direction.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from keeper.plan.uniswap_v3.maths import (
    MAX_TICK,
    MIN_TICK,
    fall_in,
    fall_out,
    rise_in,
    rise_out,
    sqrt_price_at,
    with_fee,
)

WORD = 256
"""Ticks (in units of the spacing) that share one word of the bitmap."""

Amount = Callable[[int, int, int], int]


@dataclass(frozen=True, slots=True)
class Ladder:
    """One direction: the ticks a swap steps through, in its order, and the sums up to each of them.

    `keys` ascend: ticks on the way up, their negatives on the way down. `liquidity` is what is active behind
    a step; `paid` (with fees), `received` and `crossed` (initialised ticks) count from the first step.
    """

    keys: tuple[int, ...]
    prices: tuple[int, ...]
    liquidity: tuple[int, ...]
    paid: tuple[int, ...]
    received: tuple[int, ...]
    crossed: tuple[int, ...]


class Depth:
    """What the window of a pool holds.

    Args:
        fee: millionths.
        spacing: of the pool's ticks.
        words: first and last word of the bitmap inside the window.
        nets: liquidityNet of the initialised ticks in the window.
        tick: where the pool stood when these were read,
        liquidity: and what was active there; with `nets` this gives the liquidity everywhere.

    Raises:
        ValueError: less than nothing would be active somewhere, so the parts are of different states.
    """

    def __init__(  # noqa: PLR0917 - read together, in this order
        self,
        fee: int,
        spacing: int,
        words: tuple[int, int],
        nets: Mapping[int, int],
        tick: int,
        liquidity: int,
    ) -> None:
        self.fee = fee
        self.spacing = spacing
        self.words = words
        self.nets = dict(sorted(nets.items()))
        self._lowest = liquidity - sum(net for at, net in self.nets.items() if at <= tick)
        self._highest = self._lowest + sum(self.nets.values())
        active = self._lowest
        for net in (0, *self.nets.values()):
            active += net
            if active < 0:
                raise ValueError("liquidity below zero")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Depth) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash((self.fee, self.spacing, self.words, self._lowest))

    def _told(self) -> tuple[object, ...]:
        """All that tells one depth from another."""
        return self.fee, self.spacing, self.words, self._lowest, self.nets

    def active(self, tick: int) -> int:
        """Liquidity where the pool stands at `tick`."""
        return self._lowest + sum(net for at, net in self.nets.items() if at <= tick)

    @cached_property
    def down(self) -> Ladder:
        """The steps of selling token0: every initialised tick, and the lowest one of every word."""
        ends = {max(word * WORD * self.spacing, MIN_TICK) for word in self._words()}
        order = sorted(ends | self.nets.keys(), reverse=True)
        return self._ladder(order, -1, self._highest, fall_in, fall_out)

    @cached_property
    def up(self) -> Ladder:
        """The steps of selling token1: every initialised tick, and the highest one of every word."""
        ends = {min((word * WORD + WORD - 1) * self.spacing, MAX_TICK) for word in self._words()}
        order = sorted(ends | self.nets.keys())
        return self._ladder(order, 1, self._lowest, rise_in, rise_out)

    def _words(self) -> Iterable[int]:
        return range(self.words[0], self.words[1] + 1)

    def _ladder(self, order: list[int], sign: int, active: int, cost: Amount, gain: Amount) -> Ladder:
        liquidity, crossed = [], []
        count = 0
        for tick in order:
            active += sign * self.nets.get(tick, 0)
            count += tick in self.nets
            liquidity.append(active)
            crossed.append(count)
        prices = [sqrt_price_at(tick) for tick in order]
        paid, received = [0], [0]
        for (start, end), between in zip(pairwise(prices), liquidity, strict=False):
            low, high = (start, end) if start < end else (end, start)
            paid.append(paid[-1] + with_fee(cost(low, high, between), self.fee))
            received.append(received[-1] + gain(low, high, between))
        keys = tuple(sign * tick for tick in order)
        return Ladder(keys, tuple(prices), tuple(liquidity), tuple(paid), tuple(received), tuple(crossed))
