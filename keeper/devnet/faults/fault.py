"""What can go wrong between the keeper and a node, as plain values."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from keeper.errors import ConfigError


class Kind(StrEnum):
    """Ways in which nodes fail. The first group breaks the exchange, the second one the answer."""

    DELAY = "delay"
    """The answer comes `seconds` late."""
    DROP = "drop"
    """No answer: the connection stays open for `seconds`, then it is cut."""
    THROTTLE = "throttle"
    """HTTP 429 with Retry-After `seconds`."""
    SERVER_ERROR = "server-error"
    """HTTP 500."""
    CUT_JSON = "cut-json"
    """HTTP 200 and the first half of the JSON."""
    CUT_SOCKET = "cut-socket"
    """The connection breaks in the middle of the answer."""
    LOSE_SEND = "lose-send"
    """A raw transaction is passed on, its answer is lost."""

    FEWER_LOGS = "fewer-logs"
    """eth_getLogs lacks the last third of its result."""
    MISSING_BLOCK = "missing-block"
    """eth_getLogs lacks every log of one of its blocks."""
    STALE = "stale"
    """The node stands still: the head of the moment the fault began stays the newest block."""
    OTHER_CHAIN = "other-chain"
    """Another chain id, other block hashes, and none of our contracts."""
    LIE = "lie"
    """A bit is flipped in what eth_call (of `selectors`) and eth_getBalance return."""
    MUTE = "mute"
    """The WebSocket stays open and says nothing any more."""


EXCHANGE_KINDS = frozenset(
    {Kind.DELAY, Kind.DROP, Kind.THROTTLE, Kind.SERVER_ERROR, Kind.CUT_JSON, Kind.CUT_SOCKET, Kind.LOSE_SEND}
)
"""Faults that strike a whole HTTP exchange; one at a time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. `share` of the exchanges or answers concerned are struck.

    `methods` limits it to JSON-RPC methods, `selectors` (LIE) to eth_calls of these functions, as
    0x and 8 hex digits; empty means all.
    """

    kind: Kind
    share: float = 1.0
    seconds: float = 1.0
    methods: frozenset[str] = frozenset()
    selectors: frozenset[str] = frozenset()

    def concerns(self, methods: Collection[str]) -> bool:
        """Whether an exchange of `methods` can be struck."""
        if self.kind is Kind.LOSE_SEND:
            return "eth_sendRawTransaction" in methods
        return not self.methods or not self.methods.isdisjoint(methods)

    def document(self) -> dict[str, Any]:
        """As JSON-ready fields; `parse_fault` reads them back."""
        lists = {"methods": sorted(self.methods), "selectors": sorted(self.selectors)}
        return {**asdict(self), "kind": self.kind.value, **lists}


def parse_fault(fields: Mapping[str, Any]) -> Fault:
    """A fault from a schedule file.

    Raises:
        ConfigError: a field is unknown or wrong.
    """
    unknown = fields.keys() - {"kind", "share", "seconds", "methods", "selectors"}
    if unknown:
        raise ConfigError(f"fault: {', '.join(sorted(unknown))}: no such field")
    try:
        kind = Kind(fields["kind"])
    except (KeyError, ValueError):
        raise ConfigError(f"fault: kind: {fields.get('kind')!r}: not one of {', '.join(Kind)}") from None
    share, seconds = fields.get("share", 1.0), fields.get("seconds", 1.0)
    if not (_is_number(share) and 0 < share <= 1):
        raise ConfigError(f"fault: share: {share!r}: not a number above 0 and up to 1")
    if not (_is_number(seconds) and seconds >= 0):
        raise ConfigError(f"fault: seconds: {seconds!r}: not a number of seconds")
    return Fault(kind, float(share), float(seconds), _words(fields, "methods"), _words(fields, "selectors"))


def _words(fields: Mapping[str, Any], name: str) -> frozenset[str]:
    words = fields.get(name, [])
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise ConfigError(f"fault: {name}: {words!r}: not a list of strings")
    return frozenset(words)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
