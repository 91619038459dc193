"""No look for cyclic garbage while something waits; afterwards as ever."""

import gc

import pytest

from keeper.garbage import left_lying


def test_left_lying__in_the_block_and_after_it__off_and_on_again() -> None:
    with left_lying():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_left_lying__within_another__on_again_after_the_outer() -> None:
    with left_lying():
        with left_lying():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_left_lying__the_block_fails__on_again() -> None:
    with pytest.raises(ValueError, match="on purpose"), left_lying():
        raise ValueError("on purpose")
    assert gc.isenabled()
