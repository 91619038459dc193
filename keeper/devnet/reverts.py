"""What a failed call on the devnet says, in words."""

from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import collapse_if_tuple

from keeper.errors import KeeperError

_ERROR_STRING = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")


class DevnetError(KeeperError):
    """The devnet refused a request or a transaction reverted; `data` is the raw revert data."""

    def __init__(self, message: str, data: bytes = b"") -> None:
        super().__init__(message)
        self.data = data


def revert_data(error: Mapping[str, Any]) -> bytes:
    """The revert data in a JSON-RPC error object; empty when there is none."""
    data = error.get("data")
    return bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""


def revert_reason(data: bytes, errors: Mapping[bytes, Mapping[str, Any]]) -> str:
    """`data` in words: Error(string), Panic(uint256), a custom error of `errors` (selector → ABI entry)."""
    selector, arguments = data[:4], data[4:]
    try:
        if selector == _ERROR_STRING:
            return str(decode(["string"], arguments)[0])
        if selector == _PANIC:
            return f"panic 0x{decode(['uint256'], arguments)[0]:02x}"
        if selector in errors:
            entry = errors[selector]
            values = decode([collapse_if_tuple(field) for field in entry["inputs"]], arguments)
            return f"{entry['name']}({', '.join(map(str, values))})"
    except DecodingError:
        return "0x" + data.hex()
    return "0x" + data.hex()
