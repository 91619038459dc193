"""What an MEV-Share event says (flashbots/mev-share, specs/events/v0.1), in the words of `keeper.ports`."""

import json
import re
from collections.abc import Mapping
from typing import Any

from keeper.chain.decode import octets
from keeper.relay_ports import Hint
from keeper.types import Address, Call, Hash

_HASH, _ADDRESS = re.compile("0x[0-9a-f]{64}"), re.compile("0x[0-9a-f]{40}")

MOST = 128
"""Transactions, and logs, of one event that are looked at; a bundle of oracle updates has a few."""

_PARTS = 4 * MOST
"""Lists and objects of such an event: each transaction one, each log two."""


def hint(data: bytes) -> Hint:
    """An event's data as a hint. All but `hash` may be absent: senders choose what they share.

    Raises:
        ValueError: it is not the documented object; the text says where, and quotes nothing.
    """
    if data.count(b"[") + data.count(b"{") > _PARTS:  # nested deeply enough it would overflow the stack
        raise ValueError(f"more than {_PARTS} lists and objects")
    try:
        found = json.loads(data)
    except ValueError:
        raise ValueError("no JSON") from None
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - of a stranger's making, not ours
    transactions = _list(found, "txs")
    calls = (_call(each) for each in transactions)
    return Hint(
        Hash(_text(found, "hash", _HASH)),
        tuple(call for call in calls if call is not None),
        tuple(_log(each) for each in _list(found, "logs")),
        max(len(transactions), 1),
        _quantity(found, "mevGasPrice"),
        _quantity(found, "gasUsed"),
    )


def _list(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = found.get(name) or []
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError(f"{name} is no list of objects")
    if len(value) > MOST:
        raise ValueError(f"{name} has more than {MOST} entries")
    return value


def _call(transaction: Mapping[str, Any]) -> Call | None:
    """Callee and calldata, None where one of them is kept secret."""
    if not transaction.get("to") or not transaction.get("callData"):
        return None
    return Call(Address(_text(transaction, "to", _ADDRESS)), _octets(transaction, "callData"))


def _log(log: Mapping[str, Any]) -> tuple[Address, tuple[str, ...], bytes]:
    topics = log.get("topics") or []
    if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
        raise ValueError("topics are no list of texts")
    lowered = tuple(each.lower() for each in topics)
    if not all(_HASH.fullmatch(each) for each in lowered):
        raise ValueError("a topic is no 32 bytes")
    return Address(_text(log, "address", _ADDRESS)), lowered, _octets(log, "data")


def _text(found: Mapping[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = found.get(name)
    if not isinstance(value, str) or not form.fullmatch(value.lower()):
        raise ValueError(f"{name} is malformed")
    return value.lower()


def _octets(found: Mapping[str, Any], name: str) -> bytes:
    value = found.get(name) or "0x"
    try:
        return octets(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is no hex") from None


def _quantity(found: Mapping[str, Any], name: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    try:
        return int(value, 16)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is no number") from None
