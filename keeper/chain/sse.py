"""text/event-stream read as it comes (HTML standard, section 9.2): bytes in, the data of events out."""

from collections.abc import Iterator
from typing import Final


class Oversized:
    """Stands for an event that was larger than allowed and is gone."""


OVERSIZED: Final = Oversized()


class EventReader:
    """Cuts a stream into events; of none is more kept than `limit` bytes.

    Only `data` is of use here: names, ids and comments (`:ping`) are read over, for they only show that the
    other side is alive. What is larger than `limit` is skipped up to the next blank line.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._line = bytearray()
        self._data: list[bytes] = []
        self._size = 0
        self._skipping = False
        self._after_return = False
        self._started = False

    def feed(self, chunk: bytes) -> Iterator[bytes | Oversized]:
        """What `chunk` completes: the data of each event, its lines joined by newlines."""
        if self._after_return:  # a line that ended with \r may have its \n here
            chunk = chunk.removeprefix(b"\n")
        self._after_return = chunk.endswith(b"\r")
        lines = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in lines[:-1]:
            self._take(line)
            yield from self._end_of_line()
        self._take(lines[-1])

    def _take(self, part: bytes) -> None:
        """Part of a line; what is too long is not kept."""
        if len(self._line) + len(part) + self._size > self._limit:
            self._skipping = True
            self._line = bytearray(b"-")  # anything but a blank line
            self._data.clear()
            self._size = 0
        else:
            self._line += part

    def _end_of_line(self) -> Iterator[bytes | Oversized]:
        line, self._line = bytes(self._line), bytearray()
        if not self._started:
            line, self._started = line.removeprefix(b"\xef\xbb\xbf"), True
        if line:
            self._field(line)
            return
        data, self._data, self._size = self._data, [], 0
        skipped, self._skipping = self._skipping, False
        if skipped:
            yield OVERSIZED
        elif data:
            yield b"\n".join(data)

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name == b"data" and not self._skipping:
            self._data.append(value.removeprefix(b" "))
            self._size += len(line)
