"""A text/event-stream cut into events, however it arrives."""

import pytest

from keeper.chain.sse import OVERSIZED, EventReader, Oversized

STREAM = (
    b':ping\r\n\r\ndata: {"a":1}\r\n\r\nevent: x\nid: 7\ndata: one\ndata:two\n\n'
    b":\rdata\rdata: \r\rdata: last\n\n"
)
EVENTS = [b'{"a":1}', b"one\ntwo", b"\n", b"last"]


def read(*chunks: bytes, limit: int = 100) -> list[bytes | Oversized]:
    reader = EventReader(limit)
    return [event for chunk in chunks for event in reader.feed(chunk)]


def test_feed__all_at_once__the_data_of_each_event() -> None:
    assert read(STREAM) == EVENTS


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_feed__in_pieces_of_any_size__the_same(size: int) -> None:
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert read(*pieces) == EVENTS


def test_feed__comments_names_and_empty_events__tell_nothing() -> None:
    assert read(b":ping\n\n:ping\n\nevent: x\n\nretry: 5\n\n\n\nunknown: 1\n\n") == []


def test_feed__not_yet_complete__waits() -> None:
    assert read(b"data: half") == []
    assert read(b"data: whole\n") == []


def test_feed__byte_order_mark__read_over() -> None:
    assert read(b"\xef\xbb\xbfdata: x\n\n") == [b"x"]


@pytest.mark.parametrize("size", [1, 13, 1000])
@pytest.mark.parametrize(
    "large",
    [
        b"data: " + b"x" * 200,
        b"\n".join([b"data: 0123456789"] * 20),
        b":" + b"y" * 200,
        b"z" * 200 + b"\ndata: 1",
    ],
    ids=["line", "lines", "comment", "field"],
)
def test_feed__too_large__gone_and_the_next_is_whole(large: bytes, size: int) -> None:
    stream = b"data: before\n\n" + large + b"\n\ndata: after\n\n"
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert read(*pieces) == [b"before", OVERSIZED, b"after"]


def test_feed__without_end__no_more_is_kept_than_allowed() -> None:
    reader = EventReader(100)
    for _ in range(100):
        assert list(reader.feed(b"data: " + b"x" * 1000)) == []
    assert list(reader.feed(b"\n\ndata: after\n\n")) == [OVERSIZED, b"after"]
