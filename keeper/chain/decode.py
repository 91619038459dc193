"""JSON of the node to the words of `keeper.types`. Plain slicing of dicts: these are hot paths.

Whatever is malformed raises one of `_MALFORMED`; `answers` turns that into Unreachable, for a node
that talks nonsense has not answered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from msgspec import convert
from msgspec.structs import replace

from keeper.errors import Unreachable
from keeper.ports import BlockId, PendingTransaction, Ran, Receipt
from keeper.types import Address, BlockRef, Call, Hash, Log

_MALFORMED = (LookupError, TypeError, ValueError, AttributeError)


@contextmanager
def answers(host: str, method: str) -> Iterator[None]:
    """Turn a failure to decode into Unreachable naming `host` and `method`."""
    try:
        yield
    except _MALFORMED as error:
        raise Unreachable(f"{host}: {method}: malformed answer ({type(error).__name__})") from None


def quantity(value: str) -> int:
    """The number behind "0x…"."""
    return int(value, 16)


def octets(value: str) -> bytes:
    """The bytes behind "0x…"."""
    if value[:2] != "0x":
        raise ValueError("no 0x")
    return bytes.fromhex(value[2:])


class Header(NamedTuple):
    """A block and the bloom filter over its logs: 0 where the chain does not fill it in."""

    block: BlockRef
    bloom: int


def block_param(block: BlockId) -> str | dict[str, Any]:
    """A block as a JSON-RPC parameter, by hash as in EIP-1898."""
    if isinstance(block, int):
        return hex(block)
    return {"blockHash": block.hash, "requireCanonical": True} if isinstance(block, BlockRef) else block


def block_ref(header: Mapping[str, Any]) -> BlockRef:
    """A header or block object. Chains without EIP-1559 have base fee 0."""
    return BlockRef(
        number=int(header["number"], 16),
        hash=Hash(header["hash"]),
        parent=Hash(header["parentHash"]),
        timestamp=int(header["timestamp"], 16),
        base_fee=int(header.get("baseFeePerGas") or "0x0", 16),
    )


def header(found: Mapping[str, Any]) -> Header:
    """A header or block object with its bloom filter."""
    return Header(block_ref(found), int(found.get("logsBloom") or "0x0", 16))


def timestamps(entries: Iterable[Mapping[str, Any]]) -> dict[int, int]:
    """Seconds by block, from log objects of the nodes that say them."""
    said: dict[str, str] = {
        entry["blockNumber"]: entry["blockTimestamp"] for entry in entries if entry.get("blockTimestamp")
    }
    return {int(number, 16): int(seconds, 16) for number, seconds in said.items()}


def logs(entries: Sequence[Mapping[str, Any]]) -> list[Log]:
    """Mined log objects, addresses in lower case.

    Raises:
        msgspec.ValidationError: one of them is not a mined log; a ValueError.
    """
    found = convert(entries, list[Log])
    if all(address.islower() for address in {log.address for log in found}):
        return found
    return [replace(log, address=log.address.lower()) for log in found]


def receipt(entry: Mapping[str, Any]) -> Receipt:
    """A transaction receipt object."""
    return Receipt(
        tx_hash=Hash(entry["transactionHash"]),
        block=int(entry["blockNumber"], 16),
        block_hash=Hash(entry["blockHash"]),
        succeeded=int(entry["status"], 16) == 1,
        gas_used=int(entry["gasUsed"], 16),
        gas_price=int(entry["effectiveGasPrice"], 16),
        logs=tuple(logs(entry["logs"])),
        data_fee=int(entry.get("l1Fee") or "0x0", 16),
    )


def pending_transaction(entry: Mapping[str, Any]) -> PendingTransaction | None:
    """A transaction object, None where it creates a contract.

    One that is mined already passes: nodes give those of a pending block its number and hash.
    """
    if entry.get("to") is None:
        return None
    price = entry.get("gasPrice") or "0x0"
    return PendingTransaction(
        hash=Hash(entry["hash"]),
        sender=Address(entry["from"].lower()),
        nonce=int(entry["nonce"], 16),
        call=Call(Address(entry["to"].lower()), octets(entry["input"])),
        value=int(entry["value"], 16),
        gas=int(entry["gas"], 16),
        tip=int(entry.get("maxPriorityFeePerGas") or price, 16),
        cap=int(entry.get("maxFeePerGas") or price, 16),
    )


def ran(entry: Mapping[str, Any]) -> Ran:
    """One call of eth_simulateV1; clients put the data of a revert in either place."""
    error = entry.get("error") or {}
    data = entry.get("returnData") or "0x"
    if data == "0x" and isinstance(error.get("data"), str):
        data = error["data"]
    return Ran(int(entry["status"], 16) == 1, octets(data), int(entry["gasUsed"], 16))
