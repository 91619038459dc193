"""The metrics: every promised name, every label value from the start, no globals."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from keeper.chain.node_state import NodeState
from keeper.chain.observe import RequestOutcome
from keeper.ops.metrics import Metrics, PlanResult, ProfitKind, TransactionOutcome
from keeper.plan.model import Reason
from keeper.ports import Priority
from keeper.types import Mode

NAMES = {
    "keeper_head_block",
    "keeper_index_block",
    "keeper_index_lag_blocks",
    "keeper_accounts",
    "keeper_liquidatable_accounts",
    "keeper_reorgs_total",
    "keeper_reorg_blocks_total",
    "keeper_missed_total",
    "keeper_audited_total",
    "keeper_drift_total",
    "keeper_quarantined",
    "keeper_hints_total",
    "keeper_pending_crossings_total",
    "keeper_pending_updates_total",
    "keeper_places_behind_update",
    "keeper_plans_total",
    "keeper_rejections_total",
    "keeper_transactions_total",
    "keeper_profit_usd_total",
    "keeper_gas_wei_total",
    "keeper_bad_debt_usd",
    "keeper_decision_seconds",
    "keeper_active",
    "keeper_lease_token",
    "keeper_next_nonce",
    "keeper_nonce_gaps",
    "keeper_transactions_waiting",
    "keeper_attempts_total",
    "keeper_send_answers_total",
    "keeper_landing_blocks",
    "keeper_transaction_alarms_total",
    "keeper_send_conflicts_total",
    "keeper_relay_answers_total",
    "keeper_rpc_requests_total",
    "keeper_rpc_seconds",
    "keeper_rpc_units_total",
    "keeper_rpc_failovers_total",
    "keeper_node_state",
    "keeper_log_gaps_total",
    "keeper_quorum_disagreements_total",
    "keeper_head_subscriptions_lost_total",
    "keeper_loop_last_turn_timestamp_seconds",
    "keeper_build_info",
}


def test_names__in_the_text__are_the_promised_ones() -> None:
    text = Metrics(Mode.PAPER, "0.1.0").text().decode()
    named = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    assert {name for name in named if not name.endswith("_created")} == NAMES


def test_names__all_of_them__are_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    assert {name for name in NAMES if name not in page} == set()


def test_labels__from_enums__are_all_there_at_zero() -> None:
    registry = Metrics(Mode.PAPER, "0.1.0").registry
    for reason in Reason:
        assert registry.get_sample_value("keeper_rejections_total", {"reason": reason.value}) == 0
    for result in PlanResult:
        assert registry.get_sample_value("keeper_plans_total", {"result": result.value}) == 0
    for outcome in TransactionOutcome:
        assert registry.get_sample_value("keeper_transactions_total", {"outcome": outcome.value}) == 0
    for kind in ProfitKind:
        assert registry.get_sample_value("keeper_profit_usd_total", {"kind": kind.value}) == 0


def test_labels__given_as_enum_member__count_in_the_prepared_series() -> None:
    metrics = Metrics(Mode.PAPER, "0.1.0")
    metrics.rejections.labels(Reason.NO_ROUTE).inc()
    assert metrics.registry.get_sample_value("keeper_rejections_total", {"reason": "no_route"}) == 1


def test_profit__a_loss__is_taken_away() -> None:
    metrics = Metrics(Mode.LIVE, "0.1.0")
    metrics.add_profit(ProfitKind.REALISED, 5 * 10**8)
    metrics.add_profit(ProfitKind.REALISED, -2 * 10**8)
    assert metrics.registry.get_sample_value("keeper_profit_usd_total", {"kind": "realised"}) == 3


def test_requests__observed__count_by_host_method_and_outcome() -> None:
    metrics = Metrics(Mode.PAPER, "0.1.0")
    metrics.on_request("https://a.example", "eth_call", 0.2, RequestOutcome.OK)
    labels = {"host": "https://a.example", "method": "eth_call", "outcome": "ok"}
    assert metrics.registry.get_sample_value("keeper_rpc_requests_total", labels) == 1
    assert metrics.registry.get_sample_value("keeper_rpc_seconds_sum", {"host": "https://a.example"}) == 0.2


def test_node_state__moves__only_the_new_one_is_shown() -> None:
    metrics = Metrics(Mode.PAPER, "0.1.0")
    for state in (NodeState.ALIVE, NodeState.LAGGING):
        metrics.on_state("https://a.example", state)
    shown = {
        state: metrics.registry.get_sample_value(
            "keeper_node_state", {"host": "https://a.example", "state": state.value}
        )
        for state in NodeState
    }
    assert shown == {state: float(state is NodeState.LAGGING) for state in NodeState}


def test_units__spent__count_by_host_method_and_priority() -> None:
    metrics = Metrics(Mode.PAPER, "0.1.0")
    metrics.on_units("https://a.example", "eth_call", Priority.AUDIT, 26)
    labels = {"host": "https://a.example", "method": "eth_call", "priority": "audit"}
    assert metrics.registry.get_sample_value("keeper_rpc_units_total", labels) == 26


def test_registry__of_two_instances__is_not_shared() -> None:
    first, second = Metrics(Mode.PAPER, "1"), Metrics(Mode.LIVE, "2")
    first.head_block.set(5)
    assert second.registry.get_sample_value("keeper_head_block") == 0
    assert not [name for name in REGISTRY._names_to_collectors if name.startswith("keeper_")]
    build = {"version": "2", "mode": "live"}
    assert second.registry.get_sample_value("keeper_build_info", build) == 1
