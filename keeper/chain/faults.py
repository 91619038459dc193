"""What a JSON-RPC error means: one classifier for the wordings of all clients and providers.

A revert is an answer about a contract; everything else is news about the endpoint. Taking the
second for the first would make an account look unliquidatable, so a revert must be recognised
and whatever is not recognised counts as Transient.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from keeper.errors import CallReverted, ConfigError, Degraded, KeeperError, Transient, Unreachable


class DeadlineExceeded(Unreachable):
    """The endpoint was still silent when the deadline passed."""


class Throttled(Transient):
    """The endpoint refused for now because of its rate limit; `retry_after` in seconds if it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetSpent(Throttled):
    """Our own budget for the endpoint leaves no room for this class of requests."""


class BlockMissing(Degraded):
    """The endpoint has no such block; one that is further along may have it."""


class Behind(Transient):
    """The endpoint's chain has not come to a block yet, or has another in its place."""


class LogsMissing(Transient):
    """The endpoint's logs lack some that are in the chain."""


class TooLarge(Transient):
    """The endpoint refuses this block range, result or batch; a smaller one may pass."""


class MethodMissing(ConfigError):
    """The endpoint does not offer a method."""


class Fault(StrEnum):
    """Kinds of JSON-RPC errors."""

    REVERTED = "reverted"
    TOO_LARGE = "too_large"
    THROTTLED = "throttled"
    UNSUPPORTED = "unsupported"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


_REVERT_CODES = frozenset({3, -32015})
"""geth and those who follow it; Nethermind, also for exceptional halts."""

_REVERT = _words(r"execution reverted", r"vm execution error", r"(^|: )(transaction )?revert(ed)?\b")

_GET_LOGS = "eth_getLogs"

_WORDINGS: tuple[tuple[Fault, str | None, re.Pattern[str]], ...] = (
    (
        Fault.UNSUPPORTED,
        None,
        _words(
            r"method .{0,60}(not |un)(found|exist|available|supported|allowed|enabled|whitelisted)",
            r"method .{0,40}disabled",
            r"(unsupported|unknown) method",
        ),
    ),
    (
        Fault.UNAVAILABLE,
        None,
        _words(
            r"header not found|missing trie node|block ?out ?of ?range|block .{0,40}not (be )?found",
            r"(unknown|missing|invalid) block|beyond .{0,20}(head|latest)|after last (accepted|known) block",
            r"pruned|historical state|missing state|state .{0,40}(not |un)available",
            r"database error|not (yet )?synced",
        ),
    ),
    (
        Fault.THROTTLED,
        None,
        _words(
            r"rate.?limit|too many requests|request rate|requests? (count|limit)|over capacity",
            r"compute units|quota|throttl|per (second|minute|day)|/s(ec|econd)?\b",
        ),
    ),
    (
        Fault.TOO_LARGE,
        None,
        _words(
            r"batch.*(limit|large|size|exceed|maximum|many)|(maximum|many|exceed).*batch",
            r"response (is )?too (large|big)",
        ),
    ),
    (
        Fault.TOO_LARGE,
        _GET_LOGS,
        _words(
            r"more than [\d,]+|too (many|much) (result|log|block|data)|limit exceeded",
            r"(response|result|query).{0,20}(size|large|big)|block ?range|blocks? distance",
            r"range.{0,40}(limit|large|wide|big|exceed)|[\d,k]+ range",
            r"(exceed|limit|max|up to).{0,40}(range|blocks|result|logs|allowed|size)",
            r"timed? ?-?out|deadline exceeded|took too long|cancell?ed",
        ),
    ),
    (
        Fault.REVERTED,
        None,
        _words(
            r"^evm error \w+$|out ?of ?gas|gas required exceeds|stack ?(under|over)flow|stack limit",
            r"(invalid|undefined) opcode|bad ?instruction|(invalid|bad) ?jump|write protection",
            r"static ?call ?violation|return ?data out of bounds|max (code|initcode) size exceeded",
        ),
    ),
    (
        Fault.INVALID,
        None,
        _words(
            r"insufficient funds|exceeds balance|invalid (argument|params|request)",
            r"(numbers|timestamps) must be in order|too many arguments",
        ),
    ),
)
"""Kind, the method it is limited to, words. The first match decides."""

_CODES = {
    -32601: Fault.UNSUPPORTED,
    -32004: Fault.UNSUPPORTED,
    -32602: Fault.INVALID,
    -32005: Fault.THROTTLED,
    429: Fault.THROTTLED,
    # eth_simulateV1: a transaction that no block could take, or a block that could not be.
    **dict.fromkeys(range(-38026, -38009), Fault.INVALID),
}
"""What the code alone says when the words say nothing."""


def fault_of(method: str, error: Mapping[str, Any]) -> Fault:
    """The kind of `error`, the "error" object of an answer to `method`.

    Reverts come first: their message ends with words the contract chose, which may read like any
    of the others.
    """
    code = error.get("code")
    said = _message(error)
    if code in _REVERT_CODES or _REVERT.search(said):
        return Fault.REVERTED
    for fault, only, words in _WORDINGS:
        if only in (None, method) and words.search(said):
            return fault
    if method == _GET_LOGS and code == -32005:
        return Fault.TOO_LARGE
    return _CODES.get(code, Fault.UNAVAILABLE) if isinstance(code, int) else Fault.UNAVAILABLE


def exception_for(host: str, method: str, error: Mapping[str, Any], said: str) -> KeeperError:
    """The exception whose class is the policy for `error`; `said` is its scrubbed message."""
    text = f"{host}: {method}: {said} (code {error.get('code')})"
    match fault_of(method, error):
        case Fault.REVERTED:
            return CallReverted(said, revert_data(error))
        case Fault.TOO_LARGE:
            return TooLarge(text)
        case Fault.THROTTLED:
            return Throttled(text)
        case Fault.UNSUPPORTED:
            return MethodMissing(f"rpc {host}: {method} is not available ({said})")
        case Fault.INVALID:
            return Degraded(text)
        case Fault.UNAVAILABLE:
            return Transient(text)


def revert_data(error: Mapping[str, Any]) -> bytes:
    """The raw revert data inside `error`, empty when the node sent none.

    Nethermind prefixes the hex with "Reverted "; some nodes nest it one level down.
    """
    data = error.get("data")
    if isinstance(data, Mapping):
        data = data.get("data")
    found = re.fullmatch(r"(?:Reverted )?0x((?:[0-9a-fA-F]{2})*)", data) if isinstance(data, str) else None
    return bytes.fromhex(found[1]) if found else b""


def _message(error: Mapping[str, Any]) -> str:
    """Message and worded details: some providers say the reason only in `data`."""
    data = error.get("data")
    detail = str(data) if data is not None and not str(data).startswith("0x") else ""
    return f"{error.get('message', '')} {detail}".strip()
