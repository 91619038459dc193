"""Reading a pool's state: where it stands at every block, its ticks when something says that they changed.

Interface: v3-core IUniswapV3PoolState.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.plan.uniswap_v3.depth import WORD, Depth
from keeper.plan.uniswap_v3.maths import MAX_TICK, MIN_TICK
from keeper.plan.uniswap_v3.pool import Pool
from keeper.protocols.base import Reads
from keeper.types import Address, Call

REACH = 3000
"""Ticks to each side of the price that the window covers at least: 35 % up, 26 % down."""

TICKS_AGE = 25
"""Blocks after which the ticks are read again even though nothing says that they changed.

Deposits far from the price to ticks already in use leave no trace in what is read at every block.
"""

SLOT0 = selector("slot0()")
LIQUIDITY = selector("liquidity()")
TICK_BITMAP = selector("tickBitmap(int16)")
TICKS = selector("ticks(int24)")


@dataclass(frozen=True, slots=True)
class Sight:
    """A pool as last read: its bitmap by word, and the block its ticks are of."""

    pool: Pool
    bitmap: dict[int, int]
    ticks_read_at: int


def look(address: Address, fee: int, spacing: int, block: int, last: Sight | None) -> Reads[Sight | None]:
    """The pool at the block read, knowing what was seen `last`; None where it cannot be made out.

    One round where only the price moved, up to three where the window or its ticks did.
    """
    words = list(last.bitmap) if last else []
    slot0, depth, *maps = yield [
        Call(address, SLOT0),
        Call(address, LIQUIDITY),
        *(Call(address, _at(TICK_BITMAP, word)) for word in words),
    ]
    if slot0 is None or depth is None or None in maps or len(slot0) < 64:
        return None
    sqrt_price, tick = int.from_bytes(slot0[:32]), _signed(slot0[32:64])
    active = int.from_bytes(depth)
    if not sqrt_price:
        return None
    bitmap = {word: int.from_bytes(found or b"") for word, found in zip(words, maps, strict=True)}
    wanted = _words(tick, spacing)
    if last and last.bitmap == bitmap and wanted <= bitmap.keys() and block < last.ticks_read_at + TICKS_AGE:
        pool = Pool(sqrt_price, tick, active, last.pool.depth)
        if pool.depth.active(tick) == active:
            return Sight(pool, bitmap, last.ticks_read_at)
    fresh = sorted(wanted - bitmap.keys())
    more = yield [Call(address, _at(TICK_BITMAP, word)) for word in fresh]
    bitmap |= {word: int.from_bytes(found or b"") for word, found in zip(fresh, more, strict=True)}
    bitmap = {word: bitmap[word] for word in sorted(wanted)}
    ticks = list(_initialised(bitmap, spacing))
    infos = yield [Call(address, _at(TICKS, at)) for at in ticks]
    if None in more or None in infos:
        return None
    nets = {at: _signed((info or b"")[32:64]) for at, info in zip(ticks, infos, strict=True)}
    try:
        seen = Depth(fee, spacing, (min(bitmap), max(bitmap)), nets, tick, active)
    except ValueError:  # the node answered from two states; the next block tells
        return None
    if last and seen == last.pool.depth:  # whose ladders are built
        seen = last.pool.depth
    return Sight(Pool(sqrt_price, tick, active, seen), bitmap, block)


def _words(tick: int, spacing: int) -> set[int]:
    """The words of the bitmap that REACH covers around `tick`."""
    lowest, highest = max(tick - REACH, MIN_TICK), min(tick + REACH, MAX_TICK)
    return set(range(lowest // spacing // WORD, highest // spacing // WORD + 1))


def _initialised(bitmap: dict[int, int], spacing: int) -> Iterable[int]:
    for word, bits in bitmap.items():
        left = bits
        while left:
            lowest = left & -left
            yield (word * WORD + lowest.bit_length() - 1) * spacing
            left ^= lowest


def _at(function: bytes, index: int) -> bytes:
    return function + index.to_bytes(32, signed=True)


def _signed(word: bytes) -> int:
    return int.from_bytes(word, signed=True)
