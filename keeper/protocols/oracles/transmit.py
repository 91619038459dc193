"""Prices that are on their way: what a pending transaction will make an aggregator answer (aave.md §9.3).

An oracle node sends `transmit` (or `transmitSecondary`, the private route of SVR feeds) to an aggregator,
usually wrapped in a forwarder's `forward`. The report holds the nodes' observations in ascending order, and
the one in the middle is the answer. The older aggregators (OCR1) have their own `transmit`, and the settable
feeds of test networks one that takes the answer itself. Whether the aggregator accepts it is not decided
here: signatures, configuration, staleness and the allowed range are its to check.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from keeper.protocols.oracles.words import signed
from keeper.types import Address

FORWARD = bytes.fromhex("6fadcf72")
"""forward(address,bytes)"""
TRANSMIT = bytes.fromhex("b1dc65a4")
"""transmit(bytes32[3],bytes,bytes32[],bytes32[],bytes32)"""
TRANSMIT_SECONDARY = bytes.fromhex("ba0cb29e")
"""transmitSecondary with the same arguments"""
TRANSMIT_OCR1 = bytes.fromhex("c9807539")
"""transmit(bytes,bytes32[],bytes32[],bytes32)"""
TRANSMIT_PLAIN = bytes.fromhex("0452ed78")
"""transmit(int256), of settable feeds"""
TRANSMIT_SECONDARY_PLAIN = bytes.fromhex("2b00c0bb")
"""transmit_secondary(int256), of settable feeds with two routes"""

_WRAPPINGS = 2
"""Forwarders inside of forwarders that are looked into."""

_REPORT = 3
"""Argument of `transmit`, in words: the report follows three words of context."""

_EPOCH_AND_ROUND = (1 << 40) - 1


class Transmission(NamedTuple):
    """An answer under way: `price` in the aggregator's decimals, `observed` in seconds.

    `secondary` tells the private route; `epoch_and_round` orders the reports of one aggregator. OCR1 reports
    do not say when they were observed, plain ones nothing but the price: then it is 0.
    """

    aggregator: Address
    price: int
    observed: int
    epoch_and_round: int
    secondary: bool


def decode(to: Address, data: bytes) -> Transmission | None:
    """What a transaction of `data` to `to` transmits, None where it is no well-formed transmission."""
    for _ in range(_WRAPPINGS + 1):
        if data[:4] != FORWARD:
            break
        arguments = data[4:]
        callee, inner = _word(arguments, 0), _bytes(arguments, 1)
        if callee is None or callee >> 160 or inner is None:
            return None
        to, data = Address(f"0x{callee:040x}"), inner
    read = _READERS.get(data[:4])
    return None if read is None else read(to, data[4:])


def _ocr2(to: Address, arguments: bytes, *, secondary: bool) -> Transmission | None:
    context, report = _word(arguments, 1), _bytes(arguments, _REPORT)
    if context is None or report is None:
        return None
    observed, observations = _word(report, 0), _words(report, 2)
    if observed is None or not observations:
        return None
    return Transmission(to, _middle(observations), observed, context & _EPOCH_AND_ROUND, secondary)


def _ocr1(to: Address, arguments: bytes) -> Transmission | None:
    """The report is (bytes32 context, bytes32 observers, int192[] observations)."""
    report = _bytes(arguments, 0)
    if report is None:
        return None
    context, observations = _word(report, 0), _words(report, 2)
    if context is None or not observations:
        return None
    return Transmission(to, _middle(observations), 0, context & _EPOCH_AND_ROUND, secondary=False)


def _plain(to: Address, arguments: bytes, *, secondary: bool) -> Transmission | None:
    price = _word(arguments, 0)
    return None if price is None else Transmission(to, signed(price), 0, 0, secondary)


_READERS: dict[bytes, Callable[[Address, bytes], Transmission | None]] = {
    TRANSMIT: partial(_ocr2, secondary=False),
    TRANSMIT_SECONDARY: partial(_ocr2, secondary=True),
    TRANSMIT_OCR1: _ocr1,
    TRANSMIT_PLAIN: partial(_plain, secondary=False),
    TRANSMIT_SECONDARY_PLAIN: partial(_plain, secondary=True),
}


def _middle(observations: list[int]) -> int:
    return signed(observations[len(observations) // 2])


def _word(data: bytes, position: int) -> int | None:
    start = 32 * position
    return int.from_bytes(data[start : start + 32]) if len(data) >= start + 32 else None


def _tail(data: bytes, position: int) -> tuple[int, bytes] | None:
    """Length and contents of the dynamic argument whose offset stands in word `position`."""
    offset = _word(data, position)
    if offset is None or len(data) < offset + 32:
        return None
    return int.from_bytes(data[offset : offset + 32]), data[offset + 32 :]


def _bytes(data: bytes, position: int) -> bytes | None:
    tail = _tail(data, position)
    if tail is None or len(tail[1]) < tail[0]:
        return None
    return tail[1][: tail[0]]


def _words(data: bytes, position: int) -> list[int] | None:
    tail = _tail(data, position)
    if tail is None or len(tail[1]) < 32 * tail[0]:
        return None
    return [int.from_bytes(tail[1][32 * i : 32 * i + 32]) for i in range(tail[0])]
