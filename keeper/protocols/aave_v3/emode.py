"""What an eMode category changes about the reserves, release by release.

Sources: GenericLogic.calculateUserAccountData, ValidationLogic.getUserReserveLtv, and the choice of
the bonus in LiquidationLogic.executeLiquidationCall.
"""

from collections.abc import Sequence

from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.model import Limits, Numbers, ReserveFrame
from keeper.protocols.aave_v3.records import EModeCategory

Reserves = Sequence[ReserveFrame | None]

_NONE = Configuration.of(0)


def numbers_of(reserves: Reserves) -> Numbers:
    """The reserves as the hot path wants them; zeros where one was dropped."""
    return tuple((r.income, r.debt_index, r.price, r.unit) if r else (0, 0, 0, 1) for r in reserves)


def limits_v3_0(reserves: Reserves, number: int, category: EModeCategory, price: int) -> Limits:
    """v3.0 and v3.1: a reserve names its category, and a category may have a price of its own."""
    members = [bool(r and number and r.configuration.emode == number) for r in reserves]
    return _own_threshold_first(reserves, members, category, price)


def limits_v3_2(reserves: Reserves, _number: int, category: EModeCategory, _price: int) -> Limits:
    """v3.2 to v3.5: a category names its members, prices are always the assets' own."""
    return _own_threshold_first(reserves, _members(reserves, category.collateral), category, 0)


def limits_v3_6(reserves: Reserves, _number: int, category: EModeCategory, _price: int) -> Limits:
    """v3.6: an asset may be collateral in a category only; loan-to-value can be zero for members."""
    members = _members(reserves, category.collateral)
    blocked = _members(reserves, category.ltvzero)
    own = _own(reserves)
    inside = [0 if zero else category.ltv for zero in blocked]
    return _limits(
        numbers_of(reserves),
        own,
        category,
        members,
        tuple(ltv if member else c.ltv for member, ltv, c in zip(members, inside, own, strict=True)),
    )


def limits_v3_7(reserves: Reserves, number: int, category: EModeCategory, price: int) -> Limits:
    """v3.7: in an isolated category only members may be borrowed against."""
    limits = limits_v3_6(reserves, number, category, price)
    if not category.isolated:
        return limits
    members = _members(reserves, category.collateral)
    ltv = tuple(ltv if member else 0 for member, ltv in zip(members, limits.ltv, strict=True))
    return Limits(limits.numbers, limits.threshold, ltv, limits.bonus, limits.counts)


def _own_threshold_first(
    reserves: Reserves, members: Sequence[bool], category: EModeCategory, price: int
) -> Limits:
    """Collateral whose own liquidation threshold is zero does not count, in no category."""
    own = _own(reserves)
    numbers = tuple(
        (income if c.threshold else 0, debt_index, price if price and member else usual, unit)
        for (income, debt_index, usual, unit), c, member in zip(
            numbers_of(reserves), own, members, strict=True
        )
    )
    ltv = tuple(c.ltv and (category.ltv if m else c.ltv) for c, m in zip(own, members, strict=True))
    limits = _limits(numbers, own, category, members, ltv)
    counts = tuple(c.threshold > 0 for c in own)
    threshold = tuple(t if counted else 0 for t, counted in zip(limits.threshold, counts, strict=True))
    return Limits(numbers, threshold, ltv, limits.bonus, counts, price)


def _limits(
    numbers: Numbers,
    own: Sequence[Configuration],
    category: EModeCategory,
    members: Sequence[bool],
    ltv: tuple[int, ...],
) -> Limits:
    pairs = list(zip(own, members, strict=True))
    return Limits(
        numbers=numbers,
        threshold=tuple(category.threshold if member else c.threshold for c, member in pairs),
        ltv=ltv,
        bonus=tuple(category.bonus if member else c.bonus for c, member in pairs),
        counts=(True,) * len(own),
    )


def _own(reserves: Reserves) -> list[Configuration]:
    return [reserve.configuration if reserve else _NONE for reserve in reserves]


def _members(reserves: Reserves, bitmap: int) -> list[bool]:
    return [bool(bitmap >> number & 1) for number in range(len(reserves))]
