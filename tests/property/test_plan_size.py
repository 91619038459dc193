"""The size search against brute force on constant-product pools in exact integers."""

from collections.abc import Callable

from hypothesis import example, given, settings
from hypothesis import strategies as st

from keeper.plan.size import best_size, chosen_size, next_sizes

NOISE = 20_000
"""Twenty units, in thousandths: what rounding may do to the slopes that lead the search."""

WORTHLESS = 100_000
"""Profit below this fraction of the whole debt sits at sizes the search leaves out on purpose."""

Ranges = tuple[tuple[int, int], ...]


@st.composite
def curves(draw: st.DrawFn) -> tuple[Callable[[int], int], Ranges]:
    """Profit of repaying `r`: r plus a bonus goes through a pool with a fee, r is paid back."""
    debt = draw(st.integers(10**11, 10**20))
    half = draw(st.integers(debt // 3, debt - 2))
    gap = draw(st.integers(half + 1, debt))
    ranges = draw(
        st.sampled_from(
            [
                ((1, debt),),
                ((1, half), (gap, debt)),
                ((1, half), (debt, debt)),
                ((half, debt),),
                ((debt, debt),),
            ]
        )
    )
    bonus = draw(st.integers(100, 1500))
    fee = draw(st.sampled_from([100, 500, 3000, 10000]))
    depth = debt * draw(st.integers(1, 10_000)) // draw(st.integers(1, 100))

    def profit(repay: int) -> int:
        paid = repay * (10_000 + bonus) // 10_000 * (1_000_000 - fee)
        return depth * paid // (depth * 1_000_000 + paid) - repay

    return profit, ranges


def run(profit: Callable[[int], int | None], ranges: Ranges) -> tuple[dict[int, int | None], int]:
    """All samples the search takes, and the number of rounds."""
    values: dict[int, int | None] = {}
    rounds = 0
    while sizes := next_sizes(ranges, values):
        values |= {size: profit(size) for size in sizes}
        rounds += 1
    return values, rounds


def brute(profit: Callable[[int], int], ranges: Ranges, points: int = 1500) -> int:
    return max(
        profit(first + (last - first) * step // points)
        for first, last in ranges
        for step in range(points + 1)
    )


@settings(max_examples=400, deadline=None)
@given(curves())
def test_size_search__any_curve_and_ranges__within_a_thousandth_of_brute_force(
    curve: tuple[Callable[[int], int], Ranges],
) -> None:
    profit, ranges = curve
    values, rounds = run(profit, ranges)
    best = best_size(values)
    assert best is not None
    floor = brute(profit, ranges)
    if floor > ranges[-1][1] // WORTHLESS:
        assert profit(best) * 1000 >= floor * 999 - NOISE
    assert rounds <= 9
    assert len(values) <= 64


@settings(max_examples=200, deadline=None)
@given(curves())
def test_size_search__any_curve_and_ranges__stays_inside_and_tries_every_end(
    curve: tuple[Callable[[int], int], Ranges],
) -> None:
    profit, ranges = curve
    values, _ = run(profit, ranges)
    assert all(any(first <= size <= last for first, last in ranges) for size in values)
    assert {end for bounds in ranges for end in bounds} <= values.keys()


@settings(max_examples=200, deadline=None)
@given(curves(), st.integers(1, 10**20))
@example((lambda repay: repay // 20, ((1, 10**12),)), 10**9)
def test_size_search__pool_runs_dry_above_a_size__finds_the_best_below_it(
    curve: tuple[Callable[[int], int], Ranges], dry: int
) -> None:
    profit, ranges = curve
    highest = ranges[-1][1]
    # Less than this share of the largest repay is outside what the search promises to look at.
    dry = max(dry % highest, highest // 100)
    values, _ = run(lambda repay: profit(repay) if repay <= dry else None, ranges)
    best = best_size(values)
    allowed = tuple((first, min(last, dry)) for first, last in ranges if first <= dry)
    if not allowed:
        assert best is None
        return
    floor = brute(profit, allowed)
    assert best is not None
    assert best <= dry
    if floor > ranges[-1][1] // WORTHLESS:
        assert profit(best) * 1000 >= floor * 995 - NOISE


@given(curves())
def test_chosen_size__any_curve__pays_the_same_as_the_best_but_for_a_hair(
    curve: tuple[Callable[[int], int], Ranges],
) -> None:
    profit, ranges = curve
    values, _ = run(profit, ranges)
    best, chosen = best_size(values), chosen_size(ranges, values)
    assert best is not None
    assert chosen in (best, ranges[-1][1])
    assert (profit(best) - profit(chosen)) * 100_000 <= abs(profit(best))


def test_chosen_size__flat_top__the_largest() -> None:
    ranges = ((1, 500), (900, 1000))
    assert chosen_size(ranges, {500: 10**7, 900: 10**7 + 5, 1000: 10**7}) == 1000
    assert chosen_size(ranges, {500: 10**7, 900: 10**7 + 500, 1000: 10**7}) == 900
    assert chosen_size(ranges, {500: 7, 1000: None}) == 500
    assert chosen_size(ranges, {500: None, 1000: None}) is None


@given(st.integers(10**6, 10**15), st.integers(1, 2000))
def test_size_search__pool_without_end__takes_all_after_one_round(debt: int, bonus: int) -> None:
    values, rounds = run(lambda repay: repay * bonus // 10_000, ((1, debt),))
    assert best_size(values) == debt
    assert (rounds, len(values)) == (1, 3)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.integers(1, 10**6), st.none() | st.integers(-(10**6), 10**6), max_size=70))
def test_size_search__values_are_noise__asks_only_new_allowed_sizes(values: dict[int, int | None]) -> None:
    ranges = ((1, 4 * 10**5), (6 * 10**5, 10**6))
    kept = {size: value for size, value in values.items() if not 4 * 10**5 < size < 6 * 10**5}
    for size in next_sizes(ranges, kept):
        assert size not in kept
        assert any(first <= size <= last for first, last in ranges)
