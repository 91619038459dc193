"""Encoding and decoding by ABI, for the contracts that the devnet deploys and the tests call."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple, event_abi_to_log_topic, function_abi_to_4byte_selector
from eth_utils.crypto import keccak

from keeper.artifacts import load_artifact
from keeper.types import Address

_STATIC_WORD = ("uint", "int", "address", "bool", "bytes")


class Contract:
    """One contract's ABI and creation code. Addresses in arguments are 0x-hex strings."""

    def __init__(self, abi: list[dict[str, Any]], bytecode: str = "0x") -> None:
        self.abi = abi
        self.bytecode = bytecode
        self._functions: dict[str, list[dict[str, Any]]] = {}
        self._events = {entry["name"]: entry for entry in abi if entry["type"] == "event"}
        self._constructor = next((entry for entry in abi if entry["type"] == "constructor"), None)
        for entry in abi:
            if entry["type"] == "function":
                self._functions.setdefault(entry["name"], []).append(entry)
                self._functions.setdefault(_signature(entry), []).append(entry)

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a JSON file with "abi" and "bytecode": our own build, Hardhat and Truffle write such."""
        artifact = json.loads(file.read_text())
        return cls(artifact["abi"], artifact["bytecode"])

    @classmethod
    def built(cls, name: str) -> Self:
        """One of our own Vyper contracts, by the stem of its file."""
        artifact = load_artifact(name)
        return cls(list(artifact.abi), artifact.bytecode.hex())

    def encode(self, name: str, *args: Any) -> bytes:
        """Calldata of `name`, which is a function's name or, where overloaded, its whole signature."""
        entry = self._function(name, len(args))
        return bytes(function_abi_to_4byte_selector(entry)) + encode(_types(entry["inputs"]), args)  # type: ignore[arg-type]

    def decode(self, name: str, data: bytes) -> Any:
        """What `name` returned: the value itself when it is one, else a tuple."""
        values = decode(_types(self._function(name)["outputs"]), data)
        return values[0] if len(values) == 1 else values

    def deploy_data(self, *args: Any) -> bytes:
        """Creation code followed by the constructor's arguments.

        Raises:
            ValueError: the code still has unlinked libraries.
        """
        if "_" in self.bytecode:
            raise ValueError("libraries are not linked: call link() first")
        inputs = self._constructor["inputs"] if self._constructor else []
        return bytes.fromhex(self.bytecode.removeprefix("0x")) + encode(_types(inputs), args)

    def link(self, libraries: Mapping[str, Address]) -> Self:
        """A copy with library addresses filled in; keys are "path/File.sol:Library"."""
        code = self.bytecode
        for name, address in libraries.items():
            placeholder = f"__${keccak(text=name).hex()[:34]}$__"
            code = code.replace(placeholder, address.removeprefix("0x"))
        return type(self)(self.abi, code)

    def events(self, name: str, receipt: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Every event `name` in a receipt, whoever emitted it, as {argument: value, "address": emitter}."""
        entry = self._events[name]
        topic = "0x" + event_abi_to_log_topic(entry).hex()  # type: ignore[arg-type]
        return [_event(entry, log) for log in receipt["logs"] if log["topics"][:1] == [topic]]

    def errors(self) -> dict[bytes, dict[str, Any]]:
        """Custom errors by selector."""
        entries = [entry for entry in self.abi if entry["type"] == "error"]
        return {keccak(text=_signature(entry))[:4]: entry for entry in entries}

    def _function(self, name: str, arguments: int | None = None) -> dict[str, Any]:
        found = self._functions.get(name, [])
        if len(found) > 1 and arguments is not None:
            found = [entry for entry in found if len(entry["inputs"]) == arguments]
        if len(found) != 1:
            raise ValueError(f"{len(found)} functions match {name!r}: name one by its whole signature")
        return found[0]


def _types(fields: list[dict[str, Any]]) -> list[str]:
    return [collapse_if_tuple(field) for field in fields]


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(_types(entry['inputs']))})"


def _event(entry: dict[str, Any], log: Mapping[str, Any]) -> dict[str, Any]:
    indexed = [field for field in entry["inputs"] if field["indexed"]]
    plain = [field for field in entry["inputs"] if not field["indexed"]]
    values = {"address": log["address"]}
    for field, topic in zip(indexed, log["topics"][1:], strict=True):
        # An indexed string, array or struct is only there as its hash.
        kind = field["type"] if _is_word(field["type"]) else "bytes32"
        values[field["name"]] = decode([kind], bytes.fromhex(topic[2:]))[0]
    decoded = decode(_types(plain), bytes.fromhex(log["data"][2:]))
    return values | dict(zip((field["name"] for field in plain), decoded, strict=True))


def _is_word(kind: str) -> bool:
    return kind.startswith(_STATIC_WORD) and kind != "bytes" and not kind.endswith("]")
