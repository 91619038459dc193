"""No look for cyclic garbage while something waits; afterwards as ever."""

import gc

import pytest

from keeper.app.garbage import left_lying


def test_left_lying__in_the_block_and_after_it__off_and_on_again() -> None:
    with left_lying():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_left_lying__the_block_fails__on_again() -> None:
    with pytest.raises(ValueError, match="on purpose"), left_lying():
        raise ValueError("on purpose")
    assert gc.isenabled()
