"""The metrics hook of the transport: who was asked what, how long it took, how it ended."""

from enum import StrEnum
from typing import Protocol

from keeper.chain.faults import DeadlineExceeded, MethodMissing, Throttled, TooLarge
from keeper.errors import CallReverted, Unreachable


class RequestOutcome(StrEnum):
    """Label values of the request metrics."""

    OK = "ok"
    REVERTED = "reverted"
    REJECTED = "rejected"
    THROTTLED = "throttled"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"


class RequestObserver(Protocol):
    """Told once for every HTTP exchange; a batch counts as one exchange."""

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None: ...


class NoObserver:
    """Observes nothing."""

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        pass


_OUTCOMES: tuple[tuple[type[Exception], RequestOutcome], ...] = (
    (CallReverted, RequestOutcome.REVERTED),
    (Throttled, RequestOutcome.THROTTLED),
    (TooLarge, RequestOutcome.TOO_LARGE),
    (MethodMissing, RequestOutcome.UNSUPPORTED),
    (DeadlineExceeded, RequestOutcome.TIMEOUT),
    (Unreachable, RequestOutcome.UNREACHABLE),
)


def outcome_of(error: Exception) -> RequestOutcome:
    """The label for an exchange that ended in `error`."""
    return next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), RequestOutcome.REJECTED)
