"""Revert data in words."""

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

ERROR = bytes.fromhex("08c379a0")  # Error(string)
PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
REFUSED = bytes.fromhex("590a5151")  # Refused(uint256): the executor's, around a protocol's error code
NOTHING_DONE = bytes.fromhex("c5061488")  # NothingDone(bytes): the executor's, around the first reason


def revert_reason(data: bytes) -> str:
    """The sentence inside `data`; its hex when it is not one of the standard errors.

    The executor cuts long revert data, so a sentence may miss its end.
    """
    selector, body = data[:4], data[4:]
    try:
        if selector == NOTHING_DONE:
            return revert_reason(decode(["bytes"], body)[0])
        if selector == REFUSED:
            return f"the protocol refused with code {decode(['uint256'], body)[0]}"
        if selector == PANIC:
            return f"panic 0x{decode(['uint256'], body)[0]:02x}"
    except DecodingError:
        return "0x" + data.hex()
    if selector == ERROR and len(body) >= 64:
        length = int.from_bytes(body[32:64])
        return body[64 : 64 + length].decode(errors="replace")
    return "0x" + data.hex() if data else "reverted without a reason"
