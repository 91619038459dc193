"""Slicing of log and call data: the hot path needs neither an ABI nor a library."""

from binascii import unhexlify
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from struct import Struct

from eth_utils.crypto import keccak

from keeper.types import Address, Call, Log


def topic(signature: str) -> str:
    """First topic of an event, from its canonical signature."""
    return "0x" + keccak(text=signature).hex()


@lru_cache(maxsize=1 << 15)
def address_in(topic: str) -> Address:
    """The address in an indexed argument.

    The same assets and accounts come again and again, and the same object is looked up sooner.
    """
    return Address("0x" + topic[26:])


def topic_address(log: Log, position: int) -> Address:
    """Indexed address number `position` (1 is the first indexed argument)."""
    return address_in(log.topics[position])


def topic_int(log: Log, position: int) -> int:
    """Indexed unsigned integer."""
    return int(log.topics[position], 16)


def topic_signed(log: Log, position: int) -> int:
    """Indexed int256."""
    raw = int(log.topics[position], 16)
    return raw - (1 << 256) if raw >> 255 else raw


def word(log: Log, position: int) -> int:
    """Unsigned integer number `position` of the log's data (0 is the first)."""
    start = 2 + 64 * position
    return int(log.data[start : start + 64], 16)


integer = int.from_bytes
"""The unsigned integer in a word."""

_SPLITTERS = tuple(Struct("32s" * count).unpack_from for count in range(33))


def split(log: Log, count: int) -> tuple[bytes, ...]:
    """The first `count` words of the log's data, at most 32, sooner than by as many calls of `word`.

    Raises:
        struct.error: there are fewer.
    """
    return _SPLITTERS[count](unhexlify(log.data[2:]))


def words(log: Log, count: int) -> Iterator[int]:
    """As `split`, unsigned integers."""
    return map(integer, split(log, count))


def word_address(log: Log, position: int) -> Address:
    """Address number `position` of the log's data."""
    start = 2 + 64 * position
    return Address("0x" + log.data[start + 24 : start + 64])


def word_text(log: Log, position: int) -> str:
    """String whose offset stands in word `position`."""
    return text(bytes.fromhex(log.data[2:]), position) or ""


@cache
def _selector(signature: str) -> bytes:
    return keccak(text=signature)[:4]


def call(to: Address, signature: str, *arguments: Address | int) -> Call:
    """Calldata of a function whose arguments are all static words."""
    return Call(to, _selector(signature) + b"".join(_encoded(argument) for argument in arguments))


def call_with_addresses(to: Address, signature: str, addresses: Sequence[Address]) -> Call:
    """Calldata of a function with one `address[]` argument."""
    return call_with_array(to, signature, addresses)


def call_with_array(to: Address, signature: str, values: Sequence[Address] | Sequence[int]) -> Call:
    """Calldata of a function whose one argument is an array of static words."""
    head = _encoded(32) + _encoded(len(values))
    body = b"".join(_encoded(value) for value in values)
    return Call(to, _selector(signature) + head + body)


def _encoded(argument: Address | int) -> bytes:
    value = argument if isinstance(argument, int) else int(argument, 16)
    return value.to_bytes(32, "big")


def uint(result: bytes | None, position: int = 0) -> int | None:
    """Word `position` of a call's result, None where the callee gave none."""
    start = 32 * position
    if result is None or len(result) < start + 32:
        return None
    return int.from_bytes(result[start : start + 32], "big")


def address(result: bytes | None, position: int = 0) -> Address | None:
    """Address in word `position` of a call's result, None where the callee gave none."""
    value = uint(result, position)
    if value is None or value >> 160:
        return None
    return Address(f"0x{value:040x}")


def uints(result: bytes | None) -> list[int] | None:
    """A dynamic array of words, None where the callee gave none."""
    length = uint(result, 1)
    if result is None or length is None or len(result) < 64 + 32 * length:
        return None
    return [int.from_bytes(result[64 + 32 * i : 96 + 32 * i], "big") for i in range(length)]


def addresses(result: bytes | None) -> list[Address] | None:
    """A dynamic array of addresses, None where the callee gave none."""
    values = uints(result)
    return None if values is None else [Address(f"0x{value:040x}") for value in values]


def text(data: bytes | None, position: int = 0) -> str | None:
    """A string, ABI-encoded or (as some old tokens do) a bare bytes32; None where there is none."""
    if data is None or len(data) < 32:
        return None
    if len(data) == 32:
        return data.rstrip(b"\0").decode(errors="replace")
    offset = uint(data, position)
    length = None if offset is None or offset % 32 else uint(data, offset // 32)
    if offset is None or length is None:
        return None
    return data[offset + 32 : offset + 32 + length].decode(errors="replace")
