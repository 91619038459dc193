"""The keeper's metrics, in a registry of their own.

Names are full words with their unit. Labels that come from an enum show every value from the start,
so that a rate over a thing that never happened is 0 and not absent.
"""

from enum import StrEnum
from functools import cache
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from keeper.chain.hints import HintResult
from keeper.chain.node_state import NodeState
from keeper.chain.observe import RequestOutcome
from keeper.chain.relay import RelayAnswer
from keeper.execute.observe import Alarm, AttemptKind, Standing
from keeper.ledger.missed import Why
from keeper.plan.model import Reason
from keeper.ports import Priority, SendOutcome
from keeper.types import USD, Mode

DECISION_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12)
"""Up to one Ethereum slot: a decision slower than a block is a decision about the past."""

PLACES = (1, 2, 3, 5, 10, 100)

LANDING_BLOCKS = (1, 2, 3, 5, 8, 13, 21)

WAITING = ("pending", "queued", "cancelling", "stuck")
"""Fields of `Standing` that are shown by state."""

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


class UpdateFate(StrEnum):
    """What a pending oracle update came to."""

    SEEN = "seen"
    NOT_EXECUTABLE = "not_executable"
    CROSSING = "crossing"
    SENT = "sent"
    BEHIND = "behind"
    LATE = "late"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class ProfitKind(StrEnum):
    """Which profit is counted."""

    EXPECTED = "expected"
    REALISED = "realised"


class Metrics:
    """Every metric of one process, and the observer of the chain and of the transactions."""

    def __init__(self, mode: Mode, version: str) -> None:
        make = _Maker()
        self.registry = make.registry
        self.head_block = make.gauge("head_block", "Newest block seen.")
        self.index_block = make.gauge("index_block", "Newest block folded into the book.")
        self.index_lag_blocks = make.gauge("index_lag_blocks", "Blocks the book is behind.")
        self.accounts = make.gauge("accounts", "Accounts in the book.")
        self.liquidatable_accounts = make.gauge("liquidatable_accounts", "Accounts liquidatable now.")
        self.bad_debt_usd = make.gauge("bad_debt_usd", "Debt that no collateral covers, USD.")
        self.reorgs = make.counter("reorgs_total", "Times that blocks were taken back.")
        self.reorg_blocks = make.counter("reorg_blocks_total", "Blocks taken back.")
        self.audited = make.counter("audited_total", "Accounts and reserves compared with the chain.")
        self.drift = make.counter("drift_total", "Values in which the book and the chain differed.")
        self.quarantined = make.gauge("quarantined", "Accounts and reserves that could not be mended.")
        self.plans = make.counter("plans_total", "Candidates planned.", "result", PlanResult)
        self.rejections = make.counter("rejections_total", "Candidates without plan.", "reason", Reason)
        self.transactions = make.counter(
            "transactions_total", "Transactions by how they ended.", "outcome", TransactionOutcome
        )
        self.missed = make.counter("missed_total", "Liquidations that others made.", "why", Why)
        self.updates = make.counter(
            "pending_updates_total", "Oracle updates seen before they were mined.", "fate", UpdateFate
        )
        self.hints = make.counter("hints_total", "Events of the streams of hints.", "host", "result")
        self.update_crossings = make.counter(
            "pending_crossings_total", "Accounts that pending updates make liquidatable."
        )
        self.places_behind = make.histogram(
            "places_behind_update", "Places in the block behind the update; 1 is directly.", PLACES
        )
        self.profit_usd = make.gauge(
            "profit_usd_total", "Net profit since the start, USD.", "kind", ProfitKind
        )
        self.gas_wei = make.counter("gas_wei_total", "Paid for gas, wei.")
        self.decision_seconds = make.histogram(
            "decision_seconds", "From a new head to the plans for it.", DECISION_SECONDS
        )
        self.active = make.gauge("active", "1 while this process signs, 0 on standby or without a key.")
        self.lease_token = make.gauge("lease_token", "Token of the lease that this process holds, 0 without.")
        self.next_nonce = make.gauge("next_nonce", "The key's next nonce on chain.")
        self.nonce_gaps = make.gauge("nonce_gaps", "Nonces below ours that belong to nobody.")
        self.transactions_waiting = make.gauge(
            "transactions_waiting", "Transactions no block has taken yet.", "state"
        )
        for name in WAITING:
            self.transactions_waiting.labels(name)
        self.attempts = make.counter("attempts_total", "Signed attempts.", "kind", AttemptKind)
        self.send_answers = make.counter(
            "send_answers_total", "What became of sends.", "outcome", SendOutcome
        )
        self.landing_blocks = make.histogram(
            "landing_blocks", "Blocks from the decision to the block that mined it.", LANDING_BLOCKS
        )
        self.alarms = make.counter("transaction_alarms_total", "Troubles with the key.", "alarm", Alarm)
        self.send_conflicts = make.counter(
            "send_conflicts_total", "Transactions a node refused for good that another took.", "host"
        )
        self.relay_answers = make.counter(
            "relay_answers_total",
            "What builders answered to private transactions and bundles.",
            "host",
            "answer",
        )
        self.rpc_requests = make.counter(
            "rpc_requests_total", "Exchanges with a node.", "host", "method", "outcome"
        )
        self.rpc_seconds = make.histogram(
            "rpc_seconds", "Time a node took to answer.", REQUEST_SECONDS, "host"
        )
        self.rpc_units = make.counter("rpc_units_total", "Compute units spent.", "host", "method", "priority")
        self.rpc_failovers = make.counter(
            "rpc_failovers_total", "Times a node was given up for another.", "host"
        )
        self.node_state = make.gauge("node_state", "1 for the state a node is in.", "host", "state")
        self.log_gaps = make.counter("log_gaps_total", "Answers of a node that lacked logs.", "host")
        self.quorum_disagreements = make.counter(
            "quorum_disagreements_total", "Quorum reads that a node answered otherwise.", "host"
        )
        self.head_subscriptions_lost = make.counter(
            "head_subscriptions_lost_total", "Subscriptions that broke, fell silent or behind.", "host"
        )
        self.last_turn = make.gauge(
            "loop_last_turn_timestamp_seconds", "When the main loop last turned, Unix time."
        )
        # Looking up labels takes longer than counting, and a turn waits for a dozen exchanges.
        self._exchanges = cache(
            lambda host, method, outcome: (
                self.rpc_requests.labels(host, method, outcome.value),
                self.rpc_seconds.labels(host),
            )
        )
        self._units = cache(lambda host, method, of: self.rpc_units.labels(host, method, of.value))
        build = make.gauge("build_info", "Version and mode; always 1.", "version", "mode")
        build.labels(version, mode.value).set(1)

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        """Count one exchange with a node."""
        requests, took = self._exchanges(host, method, outcome)
        requests.inc()
        took.observe(seconds)

    def on_units(self, host: str, method: str, priority: Priority, units: int) -> None:
        """Add what requests cost."""
        self._units(host, method, priority).inc(units)

    def on_state(self, host: str, state: NodeState) -> None:
        """Show the state of a node."""
        for other in NodeState:
            self.node_state.labels(host, other.value).set(other is state)

    def on_failover(self, host: str) -> None:
        """Count a node given up for another."""
        self.rpc_failovers.labels(host).inc()

    def on_log_gap(self, host: str) -> None:
        """Count an answer without all its logs."""
        self.log_gaps.labels(host).inc()

    def on_disagreement(self, host: str) -> None:
        """Count an answer that other nodes contradict."""
        self.quorum_disagreements.labels(host).inc()

    def on_send_conflict(self, host: str) -> None:
        """Count a transaction refused for good that another node took."""
        self.send_conflicts.labels(host).inc()

    def on_attempt(self, kind: AttemptKind) -> None:
        """Count a signature."""
        self.attempts.labels(kind.value).inc()

    def on_answer(self, outcome: str) -> None:
        """Count an answer to a send."""
        self.send_answers.labels(outcome).inc()

    def on_landed(self, blocks: int) -> None:
        """Note how long a payload took into a block."""
        self.landing_blocks.observe(blocks)

    def on_standing(self, standing: Standing) -> None:
        """Show how the key stands."""
        self.next_nonce.set(standing.nonce)
        self.nonce_gaps.set(standing.gaps)
        for name in WAITING:
            self.transactions_waiting.labels(name).set(getattr(standing, name))

    def on_alarm(self, alarm: Alarm) -> None:
        """Count a new trouble."""
        self.alarms.labels(alarm.value).inc()

    def on_relay(self, host: str, answer: RelayAnswer) -> None:
        """Count an answer of a builder."""
        self.relay_answers.labels(host, answer.value).inc()

    def on_hint(self, host: str, result: HintResult) -> None:
        """Count an event of a stream of hints."""
        self.hints.labels(host, result.value).inc()

    def on_subscription_lost(self, host: str) -> None:
        """Count a subscription that has to be replaced."""
        self.head_subscriptions_lost.labels(host).inc()

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
