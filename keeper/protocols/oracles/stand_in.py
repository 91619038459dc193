"""Code that stands in for an aggregator in a rehearsal: it answers as if a report had come.

Of a hinted update nobody knows the sender, so it cannot be rehearsed itself. Instead the aggregator is given
code that answers `latestAnswer` and `latestRoundData` with the report's price, to everybody, and leaves every
other call to the aggregator's own code.
"""

from collections.abc import Mapping, Sequence

from eth_utils.crypto import keccak

from keeper.protocols.oracles.transmit import Transmission
from keeper.types import Address

LATEST_ANSWER = keccak(text="latestAnswer()")[:4]
LATEST_ROUND_DATA = keccak(text="latestRoundData()")[:4]

_CALLDATALOAD, _CALLDATASIZE, _CALLDATACOPY = b"\x35", b"\x36", b"\x37"
_RETURNDATASIZE, _RETURNDATACOPY = b"\x3d", b"\x3e"
_SHR, _EQ, _MSTORE, _JUMPI, _JUMPDEST = b"\x1c", b"\x14", b"\x52", b"\x57", b"\x5b"
_DUP1, _GAS, _DELEGATECALL, _RETURN, _REVERT = b"\x80", b"\x5a", b"\xf4", b"\xf3", b"\xfd"


def stand_ins(
    transmissions: Sequence[Transmission], originals: Mapping[Address, bytes], timestamp: int
) -> dict[Address, bytes]:
    """The code of every account that a rehearsal behind `transmissions`, mined at `timestamp`, needs.

    `originals` is the code of their aggregators; it moves to addresses of its own.
    """
    codes: dict[Address, bytes] = {}
    for each in transmissions:
        home = elsewhere(each.aggregator)
        codes[home] = originals[each.aggregator]
        codes[each.aggregator] = answering(each.price, timestamp, home)
    return codes


def elsewhere(aggregator: Address) -> Address:
    """Where an aggregator's own code is while another stands in for it; nobody has an account there."""
    return Address("0x" + keccak(text=f"code of {aggregator}")[-20:].hex())


def answering(price: int, timestamp: int, original: Address) -> bytes:
    """Code that answers with `price`, as of `timestamp`, and else does as the code at `original`."""
    answer = _stored(0, price) + _returned(32)
    words = (1, price, timestamp, timestamp, 1)  # round, answer, started, updated, answered in round
    data = b"".join(_stored(32 * place, word) for place, word in enumerate(words)) + _returned(160)
    pick = _push(0) + _CALLDATALOAD + _push(224) + _SHR
    branches = 2 * len(_branch(LATEST_ANSWER, 0))
    otherwise = _otherwise(original, len(pick) + branches)
    start = len(pick) + branches + len(otherwise)
    second = start + len(_JUMPDEST + answer)
    return b"".join(
        (
            pick,
            _branch(LATEST_ANSWER, start),
            _branch(LATEST_ROUND_DATA, second),
            otherwise,
            _JUMPDEST + answer,
            _JUMPDEST + data,
        )
    )


def _otherwise(original: Address, start: int) -> bytes:
    """Do as `original`, with this account's storage and caller; `start` is where these bytes stand."""
    ask = _CALLDATASIZE + _push(0) + _push(0) + _CALLDATACOPY
    ask += _push(0) + _push(0) + _CALLDATASIZE + _push(0)
    ask += b"\x73" + bytes.fromhex(original[2:]) + _GAS + _DELEGATECALL
    ask += _RETURNDATASIZE + _push(0) + _push(0) + _RETURNDATACOPY
    refuse = _RETURNDATASIZE + _push(0) + _REVERT
    succeeded = start + len(ask) + len(_at(0)) + len(_JUMPI) + len(refuse)
    return ask + _at(succeeded) + _JUMPI + refuse + _JUMPDEST + _RETURNDATASIZE + _push(0) + _RETURN


def _branch(selector: bytes, to: int) -> bytes:
    """Jump to `to` where the selector on the stack is `selector`."""
    return _DUP1 + b"\x63" + selector + _EQ + _at(to) + _JUMPI


def _stored(place: int, word: int) -> bytes:
    return b"\x7f" + word.to_bytes(32) + _push(place) + _MSTORE


def _returned(size: int) -> bytes:
    return _push(size) + _push(0) + _RETURN


def _push(byte: int) -> bytes:
    return b"\x60" + byte.to_bytes(1)


def _at(place: int) -> bytes:
    return b"\x61" + place.to_bytes(2)
