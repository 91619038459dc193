"""The observer of the chain and of our transactions: what happens is counted, troubles are remembered."""

from keeper.chain.hints import HintResult
from keeper.chain.node_state import NodeState
from keeper.chain.observe import RequestOutcome
from keeper.chain.relay import RelayAnswer
from keeper.execute.observe import Alarm, AttemptKind, Standing
from keeper.ops.health import Heartbeat
from keeper.ops.incidents import Incidents, Kind
from keeper.ops.metrics import Metrics
from keeper.ports import Priority


class Watch:
    """Tells `metrics` and `incidents` what the chain and the transaction manager report.

    A `keeper.chain.observe.ChainObserver`, a `keeper.chain.relay.RelayObserver`, a
    `keeper.chain.hints.HintObserver` and a `keeper.execute.observe.TransactionObserver`. `answers` beats
    whenever a node gives an answer.
    """

    def __init__(self, metrics: Metrics, incidents: Incidents, answers: Heartbeat) -> None:
        self._metrics = metrics
        self._incidents = incidents
        self._answers = answers
        self._states: dict[str, NodeState] = {}

    def on_request(self, host: str, method: str, seconds: float, outcome: RequestOutcome) -> None:
        """Count one exchange; a refusal for asking too much is an incident."""
        self._metrics.on_request(host, method, seconds, outcome)
        if outcome is RequestOutcome.OK:
            self._answers.turn()
        if outcome is RequestOutcome.THROTTLED:
            self._incidents.note(Kind.THROTTLED, host, method)

    def on_units(self, host: str, method: str, priority: Priority, units: int) -> None:
        """Add what requests cost."""
        self._metrics.on_units(host, method, priority, units)

    def on_state(self, host: str, state: NodeState) -> None:
        """Show the state of a node; any change for the worse is an incident.

        `unchecked` is none: every node starts with it, and returns to it after a pause.
        """
        self._metrics.on_state(host, state)
        if state not in {NodeState.ALIVE, NodeState.UNCHECKED, self._states.get(host)}:
            self._incidents.note(Kind.NODE_STATE, host, state.value)
        self._states[host] = state

    def on_failover(self, host: str) -> None:
        """A node was given up for another."""
        self._metrics.on_failover(host)
        self._incidents.note(Kind.FAILOVER, host)

    def on_log_gap(self, host: str) -> None:
        """An answer lacked logs."""
        self._metrics.on_log_gap(host)
        self._incidents.note(Kind.LOG_GAP, host)

    def on_disagreement(self, host: str) -> None:
        """An answer is contradicted by other nodes."""
        self._metrics.on_disagreement(host)
        self._incidents.note(Kind.DISAGREEMENT, host)

    def on_subscription_lost(self, host: str) -> None:
        """A subscription has to be replaced."""
        self._metrics.on_subscription_lost(host)
        self._incidents.note(Kind.SUBSCRIPTION_LOST, host)

    def on_send_conflict(self, host: str) -> None:
        """A node found impossible what another one took."""
        self._metrics.on_send_conflict(host)
        self._incidents.note(Kind.SEND_CONFLICT, host)

    def on_relay(self, host: str, answer: RelayAnswer, reason: str = "") -> None:
        """Count an answer of a builder; one that refuses, forgets nothing or is down is an incident."""
        self._metrics.on_relay(host, answer)
        if answer not in {RelayAnswer.TAKEN, RelayAnswer.CANCELLED}:
            self._incidents.note(Kind.RELAY, host, f"{answer.value}: {reason}")

    def on_hint(self, host: str, result: HintResult, reason: str = "") -> None:
        """Count an event of a stream of hints; what is not as documented is an incident."""
        self._metrics.on_hint(host, result)
        if reason:
            self._incidents.note(Kind.HINT, host, f"{result.value}: {reason}")

    def on_attempt(self, kind: AttemptKind) -> None:
        """Something was signed."""
        self._metrics.on_attempt(kind)

    def on_answer(self, outcome: str) -> None:
        """A node, or nobody, answered a send."""
        self._metrics.on_answer(outcome)

    def on_landed(self, blocks: int) -> None:
        """A payload was mined."""
        self._metrics.on_landed(blocks)

    def on_standing(self, standing: Standing) -> None:
        """A head was dealt with."""
        self._metrics.on_standing(standing)

    def on_alarm(self, alarm: Alarm) -> None:
        """Something is wrong with a transaction or the key."""
        self._metrics.on_alarm(alarm)
        self._incidents.note(Kind.TRANSACTION, "signer", alarm.value)
