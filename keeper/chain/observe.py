"""The metrics hooks of the transport: requests, what they cost, and what became of the nodes."""

from enum import StrEnum
from typing import Protocol

from keeper.chain.faults import DeadlineExceeded, MethodMissing, Throttled, TooLarge
from keeper.chain.node_state import NodeState
from keeper.errors import CallReverted, Unreachable
from keeper.ports import Priority


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
    """Told about the exchanges with one endpoint."""

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        """An HTTP exchange ended; a batch counts as one."""
        ...

    def on_units(self, host: str, method: str, priority: Priority, units: int) -> None:
        """Requests were let through that cost `units` compute units."""
        ...


class LossObserver(Protocol):
    """Told of sources that push."""

    def on_subscription_lost(self, host: str) -> None:
        """The subscription or stream at `host` broke, fell silent or behind, or could not be opened."""
        ...


class NodeObserver(LossObserver, Protocol):
    """Told about the nodes of a chain."""

    def on_state(self, host: str, state: NodeState) -> None:
        """A node is in `state` from now on."""
        ...

    def on_failover(self, host: str) -> None:
        """`host` is no longer the one that is asked first."""
        ...

    def on_log_gap(self, host: str) -> None:
        """Logs of `host` lacked some that are in the chain."""
        ...

    def on_disagreement(self, host: str) -> None:
        """`host` answered a quorum read otherwise than the others."""
        ...

    def on_send_conflict(self, host: str) -> None:
        """`host` called a transaction impossible that another node took."""
        ...


class ChainObserver(RequestObserver, NodeObserver, Protocol):
    """Both."""


class NoObserver:
    """Observes nothing."""

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        pass

    def on_units(self, host: str, method: str, priority: Priority, units: int) -> None:
        pass

    def on_state(self, host: str, state: NodeState) -> None:
        pass

    def on_failover(self, host: str) -> None:
        pass

    def on_log_gap(self, host: str) -> None:
        pass

    def on_disagreement(self, host: str) -> None:
        pass

    def on_send_conflict(self, host: str) -> None:
        pass

    def on_subscription_lost(self, host: str) -> None:
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
