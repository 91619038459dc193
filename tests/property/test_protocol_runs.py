"""The first number from which a condition holds, however well its place was guessed."""

from hypothesis import example, given
from hypothesis import strategies as st

from keeper.protocols.runs import first_where


class Threshold:
    """Holds from `start` on; counts how often it is looked at, and that this is within low..high-1."""

    def __init__(self, start: int, low: int, high: int) -> None:
        self.start, self.low, self.high = start, low, high
        self.looks = 0

    def __call__(self, number: int) -> bool:
        assert self.low <= number < self.high
        self.looks += 1
        return number >= self.start


NUMBERS = st.integers(0, 40) | st.integers(0, 10**30)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
@example(start=3, low=1, high=5, near=4)
@example(start=4, low=4, high=4, near=4)
def test_first_where__any_guess__finds_the_start(start: int, low: int, high: int, near: int) -> None:
    holds = Threshold(start, low, high)
    assert first_where(holds, low, high, near) == (min(max(start, low), high) if low < high else high)
    assert holds.looks <= 2 + 8 + 2 * 100


@given(st.integers(2, 10**30), st.integers(-1, 1))
def test_first_where__a_good_guess__few_looks(start: int, off: int) -> None:
    holds = Threshold(start, 0, 10**31)
    first_where(holds, 0, 10**31, start + off)
    assert holds.looks <= 7


@given(st.integers(0, 3))
def test_first_where__all_but_a_few_at_the_start__few_looks(start: int) -> None:
    holds = Threshold(start, 0, 10**31)
    first_where(holds, 0, 10**31)
    assert holds.looks <= 6
