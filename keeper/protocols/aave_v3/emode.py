"""What an eMode category changes about the reserves, release by release.

Sources: GenericLogic.calculateUserAccountData, ValidationLogic.getUserReserveLtv, and the choice of
the bonus in LiquidationLogic.executeLiquidationCall.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.model import Limits, Numbers, ReserveFrame
from keeper.protocols.aave_v3.records import EModeCategory

Reserves = Sequence[ReserveFrame | None]
Own = tuple[Configuration, ...]
"""The reserves' own configurations, empty where one was dropped."""

_NONE = Configuration.of(0)

_cached = lru_cache(maxsize=1024)
"""Frames are built far more often than anything changes that terms depend on."""


class Terms(NamedTuple):
    """What of `Limits` depends neither on time nor on prices, in its order."""

    threshold: tuple[int, ...]
    ltv: tuple[int, ...]
    bonus: tuple[int, ...]
    counts: tuple[bool, ...]


def numbers_of(reserves: Reserves) -> Numbers:
    """The reserves as the hot path wants them; zeros where one was dropped."""
    return tuple((r.income, r.debt_index, r.price, r.unit) if r else (0, 0, 0, 1) for r in reserves)


def own_of(reserves: Reserves) -> Own:
    """The configurations of the reserves."""
    return tuple(reserve.configuration if reserve else _NONE for reserve in reserves)


def limits_v3_0(numbers: Numbers, own: Own, number: int, category: EModeCategory, price: int) -> Limits:
    """v3.0 and v3.1: a reserve names its category, and a category may have a price of its own."""
    members = tuple(number != 0 and c.emode == number for c in own)
    return _own_threshold_first(numbers, own, members, category, price)


def limits_v3_2(numbers: Numbers, own: Own, _number: int, category: EModeCategory, _price: int) -> Limits:
    """v3.2 to v3.5: a category names its members, prices are always the assets' own."""
    return _own_threshold_first(numbers, own, _members(len(own), category.collateral), category, 0)


def limits_v3_6(numbers: Numbers, own: Own, _number: int, category: EModeCategory, _price: int) -> Limits:
    """v3.6: an asset may be collateral in a category only; loan-to-value can be zero for members."""
    return Limits(numbers, *_terms_v3_6(own, category))


def limits_v3_7(numbers: Numbers, own: Own, _number: int, category: EModeCategory, _price: int) -> Limits:
    """v3.7: in an isolated category only members may be borrowed against."""
    return Limits(numbers, *_terms_v3_7(own, category))


@_cached
def _terms_v3_6(own: Own, category: EModeCategory) -> Terms:
    members = _members(len(own), category.collateral)
    blocked = _members(len(own), category.ltvzero)
    inside = [0 if zero else category.ltv for zero in blocked]
    ltv = tuple(ltv if member else c.ltv for member, ltv, c in zip(members, inside, own, strict=True))
    return _terms(own, category, members, ltv)


@_cached
def _terms_v3_7(own: Own, category: EModeCategory) -> Terms:
    terms = _terms_v3_6(own, category)
    if not category.isolated:
        return terms
    members = _members(len(own), category.collateral)
    return terms._replace(
        ltv=tuple(ltv if member else 0 for member, ltv in zip(members, terms.ltv, strict=True))
    )


def _own_threshold_first(
    numbers: Numbers, own: Own, members: tuple[bool, ...], category: EModeCategory, price: int
) -> Limits:
    """Collateral whose own liquidation threshold is zero does not count, in no category."""
    shown = tuple(
        (income if c.threshold else 0, debt_index, price if price and member else usual, unit)
        for (income, debt_index, usual, unit), c, member in zip(numbers, own, members, strict=True)
    )
    return Limits(shown, *_terms_own_threshold_first(own, members, category), price)


@_cached
def _terms_own_threshold_first(own: Own, members: tuple[bool, ...], category: EModeCategory) -> Terms:
    ltv = tuple(c.ltv and (category.ltv if m else c.ltv) for c, m in zip(own, members, strict=True))
    terms = _terms(own, category, members, ltv)
    counts = tuple(c.threshold > 0 for c in own)
    threshold = tuple(t if counted else 0 for t, counted in zip(terms.threshold, counts, strict=True))
    return terms._replace(threshold=threshold, counts=counts)


def _terms(own: Own, category: EModeCategory, members: tuple[bool, ...], ltv: tuple[int, ...]) -> Terms:
    pairs = list(zip(own, members, strict=True))
    return Terms(
        threshold=tuple(category.threshold if member else c.threshold for c, member in pairs),
        ltv=ltv,
        bonus=tuple(category.bonus if member else c.bonus for c, member in pairs),
        counts=(True,) * len(own),
    )


def _members(count: int, bitmap: int) -> tuple[bool, ...]:
    return tuple(bool(bitmap >> number & 1) for number in range(count))
