"""What the daemon says about itself: named events with plain fields, the stream of `keeper run --json`."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol


class Event(StrEnum):
    """Everything the daemon reports. The names are part of the command line's promise."""

    STARTED = "started"
    BACKFILL = "backfill"
    HEAD = "head"
    REJECTED = "rejected"
    PAPER = "paper"
    SUBMITTED = "submitted"
    OUTCOME = "outcome"
    UPDATE = "update"
    BACKRUN = "backrun"
    REORG = "reorg"
    MISSED = "missed"
    AUDIT = "audit"
    NOTICE = "notice"
    DEFERRED = "deferred"
    DEGRADED = "degraded"
    HALTED = "halted"
    ACTIVE = "active"
    STANDBY = "standby"
    RELOADED = "reloaded"
    CHANGED = "changed"
    STOPPED = "stopped"


class Sink(Protocol):
    """Takes events. JSON-ready fields: strings, numbers, lists of them; addresses checksummed."""

    def __call__(self, event: Event, fields: Mapping[str, Any]) -> None: ...
