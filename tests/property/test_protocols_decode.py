"""Reading a log's words in one go, against reading each alone."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.decode import word, words
from keeper.types import MAX_UINT256, Address, Log
from tests.logs import mined


def log(data: str) -> Log:
    return mined(Address("0x"), data=data)


@given(st.lists(st.integers(0, MAX_UINT256), max_size=8), st.data())
def test_words__of_any_data__are_what_word_reads_one_by_one(values: list[int], data: st.DataObject) -> None:
    each = log("0x" + "".join(f"{value:064x}" for value in values))
    count = data.draw(st.integers(0, len(values)))
    assert list(words(each, count)) == values[:count] == [word(each, place) for place in range(count)]


def test_words__when_the_data_is_cut_short__refuses() -> None:
    with pytest.raises(struct.error):
        words(log("0x" + "00" * 63), 2)
