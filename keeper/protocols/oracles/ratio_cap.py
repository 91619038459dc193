"""Price of a token that grows against its base: base price times a ratio whose growth is capped (§9.5).

The contract's formula: base * min(ratio, most) / 10**ratio_decimals, where `most` grows by the second
from a snapshot; 0 where base or ratio is not positive.
"""

from typing import NamedTuple

from keeper.protocols import decode
from keeper.protocols.oracles.source import YEAR, Change, Found, Source, View
from keeper.protocols.oracles.words import contract, data, integers, signed
from keeper.types import BPS, ZERO_ADDRESS, Address, Call, Log

SCALE = 10**6
"""Growth by the second is kept with six more digits."""

_UINT104 = (1 << 104) - 1


class RatioCap(NamedTuple):
    """PriceCapAdapterBase and what it derives from.

    `feed` is the source that tells the ratio, the zero address where the adapter asks a token for it and
    `ratio` is what it was told last. `snapshot` is the ratio at `since`; `growth` by the second, scaled by
    SCALE. Adapters of the first generation are not `fine`: they cut the growth to whole units.
    """

    base: Address
    feed: Address
    ratio: int | None
    decimals: int
    snapshot: int
    since: int
    growth: int
    fine: int = 1

    def answer(self, view: View) -> int | None:
        base = view.answer(self.base)
        ratio = self.ratio if self.feed == ZERO_ADDRESS else view.answer(self.feed)
        if base is None or ratio is None:
            return None
        if base <= 0 or ratio <= 0:
            return 0
        most = self.snapshot + self.growth * (view.timestamp - self.since) // SCALE
        return int(base * min(ratio, most) // 10**self.decimals)

    def children(self) -> tuple[Address, ...]:
        return (self.base,) if self.feed == ZERO_ADDRESS else (self.base, self.feed)

    def reading(self, address: Address) -> Call | None:
        return decode.call(address, RATIO) if self.feed == ZERO_ADDRESS else None

    def read(self, result: bytes | None) -> "RatioCap":
        ratio = decode.uint(result)
        return self._replace(ratio=None if ratio is None else signed(ratio))


def growth(snapshot: int, yearly: int) -> int:
    """Growth by the second, scaled, of a `snapshot` that may grow by `yearly` basis points a year."""
    return snapshot * yearly * SCALE // BPS // YEAR & _UINT104


def _parameters_updated(record: RatioCap, log: Log) -> RatioCap:
    snapshot, since, per_second, yearly = (data(log, position) for position in range(4))
    # What the log says by the second is cut to whole units, which only the first generation uses.
    scaled = growth(snapshot, yearly) if record.fine else per_second * SCALE
    return record._replace(snapshot=snapshot, since=since, growth=scaled)


EVENTS: dict[str, Change] = {"CapParametersUpdated(uint256,uint256,uint256,uint16)": _parameters_updated}

BASE = "BASE_TO_USD_AGGREGATOR()"
PROVIDER = "RATIO_PROVIDER()"
RATIO = "getRatio()"
_PARAMETERS = (RATIO, "RATIO_DECIMALS()", "getSnapshotRatio()", "getSnapshotTimestamp()")
_SCALED = "getMaxRatioGrowthPerSecondScaled()"
_WHOLE = "getMaxRatioGrowthPerSecond()"
GETTERS = (BASE, PROVIDER, *_PARAMETERS, _SCALED, _WHOLE)


def recognise(found: Found) -> Source | None:
    """`feed` is taken to be the ratio provider, until that proves to answer otherwise (`learn`)."""
    base, provider = contract(found, BASE), contract(found, PROVIDER)
    parameters = integers(found, *_PARAMETERS)
    scaled, whole = integers(found, _SCALED), integers(found, _WHOLE)
    if base is None or provider is None or parameters is None or not (scaled or whole):
        return None
    by_second = scaled[0] if scaled else whole[0] * SCALE if whole else 0
    ratio, decimals, snapshot, since = parameters
    fine = int(scaled is not None)
    return RatioCap(base, provider, ratio, decimals, snapshot, since, by_second, fine)
