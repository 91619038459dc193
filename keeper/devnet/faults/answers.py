"""Answers as a broken node would give them. Pure: JSON in, JSON out."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

BLOCK_PARAMETER: Mapping[str, int] = {
    "eth_getBlockByNumber": 0,
    "eth_getBlockReceipts": 0,
    "eth_call": 1,
    "eth_estimateGas": 1,
    "eth_getBalance": 1,
    "eth_getCode": 1,
    "eth_getTransactionCount": 1,
    "eth_feeHistory": 1,
    "eth_getStorageAt": 2,
}
"""Place of the block among the parameters of each method that has one."""

_MOVING = ("latest", "pending")
_BLOCKS = ("eth_getBlockByNumber", "eth_getBlockByHash", "eth_getBlockReceipts")
_HASHES = ("hash", "parentHash", "blockHash")
_WORD = 64
_LOWEST_BITS = 128
"""Lies stay in the lower half of a word: what they change still looks like an amount."""

UNKNOWN_BLOCK = {"code": -32000, "message": "header not found"}

_NO_STATE: Mapping[str, Any] = {
    "eth_getLogs": [],
    "eth_call": "0x",
    "eth_getCode": "0x",
    "eth_getBalance": "0x0",
    "eth_getStorageAt": "0x" + "00" * 32,
    "eth_getTransactionCount": "0x0",
    "eth_getTransactionReceipt": None,
}


class Refused(Exception):
    """Raised where a request gets the JSON-RPC error `error` instead of a result."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error


def as_of(method: str, params: list[Any], head: int) -> list[Any]:
    """The parameters that make a node at `head` or later answer as one that stands at `head`.

    Raises:
        Refused: the block asked for is later.
    """
    if method == "eth_getLogs":
        return [_clamped(params[0], head)]
    place = BLOCK_PARAMETER.get(method)
    if place is None:
        return params
    block = params[place] if place < len(params) else "latest"
    if block in _MOVING:
        return [*params[:place], hex(head), *params[place + 1 :]]
    if _number(block) > head and method not in _BLOCKS:
        raise Refused(UNKNOWN_BLOCK)
    return params


def not_later(method: str, result: Any, head: int) -> Any:
    """The result without what a node at `head` cannot know."""
    if method == "eth_blockNumber":
        return hex(min(int(result, 16), head))
    if method in _BLOCKS and result:
        sample = result[0] if isinstance(result, list) else result
        return None if int(sample.get("number") or sample["blockNumber"], 16) > head else result
    return result


def without_end(logs: Sequence[Any]) -> list[Any]:
    """Logs without their last third, at least one."""
    return list(logs[: len(logs) * 2 // 3])


def without_block(logs: Sequence[Any], random: Random) -> list[Any]:
    """Logs without those of one of the blocks."""
    blocks = sorted({log["blockNumber"] for log in logs})
    missing = random.choice(blocks) if blocks else None
    return [log for log in logs if log["blockNumber"] != missing]


def lied(result: str, random: Random) -> str:
    """Hex with one bit of one of its words flipped; a quantity with one of its lower bits flipped."""
    digits = result.removeprefix("0x")
    if len(digits) < _WORD:
        return hex(int(digits or "0", 16) ^ 1 << random.randrange(_WORD))
    end = random.randrange(1, len(digits) // _WORD + 1) * _WORD
    word = int(digits[end - _WORD : end], 16) ^ 1 << random.randrange(_LOWEST_BITS)
    return f"0x{digits[: end - _WORD]}{word:0{_WORD}x}{digits[end:]}"


def of_another_chain(method: str, result: Any, chain_id: int) -> Any:
    """The result on a chain like this one where nothing was ever deployed."""
    if method == "eth_chainId":
        return hex(chain_id)
    if method == "net_version":
        return str(chain_id)
    return _NO_STATE[method] if method in _NO_STATE else rehashed(result)


def rehashed(value: Any) -> Any:
    """A block or head with other hashes, whose parents still fit their children."""
    if not isinstance(value, dict):
        return value
    return {key: _other(item) if key in _HASHES else item for key, item in value.items()}


def _other(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    return f"0x{int(text, 16) ^ (1 << 256) - 1:064x}"


def _clamped(query: Mapping[str, Any], head: int) -> dict[str, Any]:
    if "blockHash" in query:
        return dict(query)
    first, last = query.get("fromBlock", "latest"), query.get("toBlock", "latest")
    first, last = (head if end in _MOVING else _number(end) for end in (first, last))
    # A range that begins later than the head is empty; nodes say so with an empty list.
    return {**query, "fromBlock": hex(first), "toBlock": hex(min(last, head) if first <= head else first)}


def _number(block: Any) -> int:
    """The number of a block parameter; tags of the past and hashes count as old."""
    return int(block, 16) if isinstance(block, str) and block.startswith("0x") and len(block) < 66 else 0
