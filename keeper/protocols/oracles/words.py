"""Reading signed integers and addresses out of call results and logs."""

from keeper.protocols import decode
from keeper.protocols.oracles.source import Found
from keeper.types import ZERO_ADDRESS, Address, Log


def signed(value: int) -> int:
    """An int256 from its word."""
    return value - (1 << 256) if value >> 255 else value


def integer(found: Found, getter: str, position: int = 0) -> int | None:
    """An int256 that a getter returned, None where it returned none."""
    value = decode.uint(found[getter], position)
    return None if value is None else signed(value)


def integers(found: Found, *getters: str) -> list[int] | None:
    """What all of `getters` returned, None unless each of them answered."""
    values = [integer(found, getter) for getter in getters]
    known = [value for value in values if value is not None]
    return known if len(known) == len(values) else None


def contract(found: Found, getter: str) -> Address | None:
    """An address that a getter returned, None where it returned none or the zero address."""
    address = decode.address(found[getter])
    return None if address == ZERO_ADDRESS else address


def data(log: Log, position: int) -> int:
    """Word `position` of a log's data as an int256."""
    return signed(decode.word(log, position))
