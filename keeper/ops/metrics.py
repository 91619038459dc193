"""The keeper's metrics, in a registry of their own.

Names are full words with their unit. Labels that come from an enum show every value from the start,
so that a rate over a thing that never happened is 0 and not absent.
"""

from enum import StrEnum
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from keeper.chain.observe import RequestOutcome
from keeper.plan.model import Reason
from keeper.types import USD, Mode

DECISION_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12)
"""Up to one Ethereum slot: a decision slower than a block is a decision about the past."""

REQUEST_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


M = TypeVar("M", Counter, Gauge)


class PlanResult(StrEnum):
    """What planning a candidate gave."""

    PLANNED = "planned"
    REJECTED = "rejected"


class TransactionOutcome(StrEnum):
    """How a transaction ended."""

    SUCCESS = "success"
    REVERTED = "reverted"
    DROPPED = "dropped"
    CANCELLED = "cancelled"
    LOST = "lost"


class ProfitKind(StrEnum):
    """Which profit is counted."""

    EXPECTED = "expected"
    REALISED = "realised"


class Metrics:
    """Every metric of one process, which is a `keeper.chain.observe.RequestObserver` too."""

    def __init__(self, mode: Mode, version: str) -> None:
        make = _Maker()
        self.registry = make.registry
        self.head_block = make.gauge("head_block", "Newest block seen.")
        self.index_block = make.gauge("index_block", "Newest block folded into the book.")
        self.index_lag_blocks = make.gauge("index_lag_blocks", "Blocks the book is behind.")
        self.accounts = make.gauge("accounts", "Accounts in the book.")
        self.liquidatable_accounts = make.gauge("liquidatable_accounts", "Accounts liquidatable now.")
        self.bad_debt_usd = make.gauge("bad_debt_usd", "Debt that no collateral covers, USD.")
        self.plans = make.counter("plans_total", "Candidates planned.", "result", PlanResult)
        self.rejections = make.counter("rejections_total", "Candidates without plan.", "reason", Reason)
        self.transactions = make.counter(
            "transactions_total", "Transactions by how they ended.", "outcome", TransactionOutcome
        )
        self.profit_usd = make.gauge(
            "profit_usd_total", "Net profit since the start, USD.", "kind", ProfitKind
        )
        self.gas_wei = make.counter("gas_wei_total", "Paid for gas, wei.")
        self.decision_seconds = make.histogram(
            "decision_seconds", "From a new head to the plans for it.", DECISION_SECONDS
        )
        self.rpc_requests = make.counter(
            "rpc_requests_total", "Exchanges with a node.", "host", "method", "outcome"
        )
        self.rpc_seconds = make.histogram(
            "rpc_seconds", "Time a node took to answer.", REQUEST_SECONDS, "host"
        )
        self.last_turn = make.gauge(
            "loop_last_turn_timestamp_seconds", "When the main loop last turned, Unix time."
        )
        build = make.gauge("build_info", "Version and mode; always 1.", "version", "mode")
        build.labels(version, mode.value).set(1)

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        """Count one exchange with a node."""
        self.rpc_requests.labels(host, method, outcome.value).inc()
        self.rpc_seconds.labels(host).observe(seconds)

    def add_profit(self, kind: ProfitKind, usd: int) -> None:
        """`usd` with 8 decimals; negative for a loss, which is why the metric is a gauge."""
        self.profit_usd.labels(kind.value).inc(usd / USD)

    def text(self) -> bytes:
        """Everything in Prometheus text format."""
        return generate_latest(self.registry)


class _Maker:
    """Makes metrics of one registry. A label followed by its enum starts with every value at 0."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    def gauge(self, name: str, text: str, *labels: str | type[StrEnum]) -> Gauge:
        return self._started(Gauge(f"keeper_{name}", text, _names(labels), registry=self.registry), labels)

    def counter(self, name: str, text: str, *labels: str | type[StrEnum]) -> Counter:
        return self._started(Counter(f"keeper_{name}", text, _names(labels), registry=self.registry), labels)

    def histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"keeper_{name}", text, labels, buckets=buckets, registry=self.registry)

    def _started(self, metric: M, labels: tuple[str | type[StrEnum], ...]) -> M:
        for values in labels:
            if not isinstance(values, str):
                for value in values:
                    metric.labels(value.value)
        return metric


def _names(labels: tuple[str | type[StrEnum], ...]) -> list[str]:
    return [label for label in labels if isinstance(label, str)]
