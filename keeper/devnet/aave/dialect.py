"""What differs between the versions of Aave for those who use a market: names, layouts, what exists."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from keeper.devnet.aave.terms import EMode
from keeper.devnet.feeds import EtherFeeds, Feeds

Ask = Callable[[Sequence[tuple[str, tuple[Any, ...]]]], Awaitable[list[Any]]]
"""Reads many views of the pool, each named with its arguments; answers in order."""

Ids = Mapping[str, int]
"""The pool's number of each reserve, by symbol."""

_EMODES = range(1, 9)


class Version(StrEnum):
    """The versions of Aave that the devnet deploys."""

    V2 = "v2"
    V30 = "v3.0.2"
    V36 = "v3.6"


class ReserveFields(NamedTuple):
    """Where getReserveData has what, counted from 0."""

    id: int
    a_token: int
    s_token: int
    v_token: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """One version. `supply` is its name for that function; `multicall` says that the pool has one.

    `ether` is true where the oracle counts in wei of ether and not in USD with 8 decimals.
    """

    version: Version
    fields: ReserveFields
    read_emodes: Callable[[Ask, Ids], Awaitable[dict[int, EMode]]]
    supply: str = "supply"
    multicall: bool = False
    has_emodes: bool = True
    ether: bool = False

    @property
    def feeds(self) -> type[Feeds]:
        """The price feeds that the oracle's currency asks for."""
        return EtherFeeds if self.ether else Feeds


async def _no_emodes(_ask: Ask, _ids: Ids) -> dict[int, EMode]:
    return {}


async def _emodes_by_reserve(ask: Ask, ids: Ids) -> dict[int, EMode]:
    """Until v3.1 a reserve's configuration names its one category, for both sides."""
    answers = await ask(
        [
            *(("getEModeCategoryData", (category,)) for category in _EMODES),
            *(("getReserveAddressById", (number,)) for number in ids.values()),
        ]
    )
    tokens = answers[len(_EMODES) :]
    configurations = await ask([("getConfiguration", (token,)) for token in tokens])
    of = {symbol: bits >> 168 & 0xFF for symbol, (bits,) in zip(ids, configurations, strict=True)}

    def members(category: int) -> frozenset[str]:
        return frozenset(symbol for symbol, each in of.items() if each == category)

    return {
        category: EMode(category, limits[0], limits[1], members(category), members(category))
        for category, limits in zip(_EMODES, answers[: len(_EMODES)], strict=True)
        if limits[1]
    }


async def _emodes_by_bitmap(ask: Ask, ids: Ids) -> dict[int, EMode]:
    """From v3.2 on a category has a bit for each reserve and side."""
    names = ("CollateralConfig", "CollateralBitmap", "BorrowableBitmap")
    answers = await ask([(f"getEModeCategory{name}", (category,)) for category in _EMODES for name in names])

    def members(bitmap: int) -> frozenset[str]:
        return frozenset(symbol for symbol, number in ids.items() if bitmap >> number & 1)

    triples = zip(_EMODES, answers[::3], answers[1::3], answers[2::3], strict=True)
    return {
        category: EMode(category, limits[0], limits[1], members(collaterals), members(borrowables))
        for category, limits, collaterals, borrowables in triples
        if limits[1]
    }


_V3_FIELDS = ReserveFields(id=7, a_token=8, s_token=9, v_token=10)

V2 = Dialect(
    Version.V2,
    ReserveFields(id=11, a_token=7, s_token=8, v_token=9),
    _no_emodes,
    supply="deposit",
    has_emodes=False,
    ether=True,
)
V30 = Dialect(Version.V30, _V3_FIELDS, _emodes_by_reserve)
V36 = Dialect(Version.V36, _V3_FIELDS, _emodes_by_bitmap, multicall=True)
