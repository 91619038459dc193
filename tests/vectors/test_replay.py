"""Recorded runs of real contracts: every number, from logs alone."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from keeper.errors import ConfigError
from keeper.sim.replay import load, replay

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[3] / "shared" / "vectors"
"""The whole collection, where it stands beside the repository."""

LIQUIDATIONS = {
    "aave-v3.0.2-s1": 62,
    "aave-v3.0.2-s2": 95,
    "aave-v3.3-s1": 83,
    "aave-v3.4-s1": 115,
    "aave-v3.5-s1": 82,
    "aave-v3.6-s1": 89,
    "aave-v3.6-s2": 66,
    "aave-v3.7-s1": 104,
    "euler-v2-s1": 4,
    "euler-v2-s2": 6,
    "comet-s1": 56,
    "comet-s2": 53,
    "aave-v4-s1": 5,
    "aave-v4-s2": 7,
    "morpho-blue-s1": 90,
    "morpho-blue-s2": 90,
    "venus-s1": 70,
    "venus-s2": 70,
}

CHECKS_A_SUBJECT = {"euler-v2": 7, "comet": 8, "morpho-blue": 3, "venus": 7}
"""Numbers compared for each account and market of a checkpoint, at least; for all others DEFAULT_CHECKS."""
DEFAULT_CHECKS = 9


def _path(name: str) -> Path:
    here = DATA / f"{name}.json.gz"
    return here if here.exists() else SHARED / here.name


def _cases() -> list[Any]:
    absent = f"recorded only in {SHARED}, which is not there"
    return [
        pytest.param(name, marks=[] if _path(name).exists() else pytest.mark.skip(reason=absent))
        for name in LIQUIDATIONS
    ]


@pytest.mark.parametrize("name", _cases())
def test_replay__real_run_from_logs_alone__every_checkpoint_and_liquidation_equal(name: str) -> None:
    document = load(_path(name))
    result = replay(_path(name))
    assert (result.mismatches, result.first_mismatch) == (0, None)
    assert result.liquidations == LIQUIDATIONS[name] == len(document["liquidations"])
    sections = ("accounts", "reserves", "assets", "markets")
    described = [len(point.get(each, ())) for point in document["checkpoints"] for each in sections]
    assert result.snapshots == sum(described)
    least = CHECKS_A_SUBJECT.get(document["protocol"], DEFAULT_CHECKS)
    assert result.checks > least * result.snapshots


@pytest.mark.parametrize(
    ("section", "field"),
    [("checkpoints", "health_factor"), ("checkpoints", "scaled_debt"), ("liquidations", "collateral_seized")],
)
def test_replay__one_recorded_number_falsified__is_the_only_mismatch(
    section: str, field: str, tmp_path: Path
) -> None:
    document: dict[str, Any] = json.loads(json.dumps(load(DATA / "aave-v3.7-s1.json.gz")))
    record = document[section][-1]
    if section == "checkpoints":
        record = next(each for each in record["accounts"].values() if each["scaled_debt"])
    else:
        record = next(each for each in document[section] if each["status"] == "ok")
    value = record[field]
    record[field] = dict.fromkeys(value, "1") if isinstance(value, dict) else str(int(value) + 1)
    path = tmp_path / "falsified.json"
    path.write_text(json.dumps(document))
    result = replay(path)
    assert result.mismatches == 1
    assert "contracts" in (result.first_mismatch or "")


@pytest.mark.parametrize(("status", "field"), [("ok", "seized"), ("soft-failure", "error")])
def test_replay__one_liquidation_of_venus_falsified__is_the_only_mismatch(
    status: str, field: str, tmp_path: Path
) -> None:
    document: dict[str, Any] = json.loads(json.dumps(load(DATA / "venus-s1.json.gz")))
    record = next(each for each in document["liquidations"] if each["status"] == status)
    falsified = {"error": "3", "info": "18", "detail": "13"} if field == "error" else "1"
    record[field] = falsified
    path = tmp_path / "falsified.json"
    path.write_text(json.dumps(document))
    result = replay(path)
    assert result.mismatches == 1
    assert "liquidation of" in (result.first_mismatch or "")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"format": 2}, "not a recorded run of format 1"),
        ({"protocol": "tulip-v1"}, "recorded from tulip-v1, which cannot be replayed; known: .*aave-v3"),
        ({"blocks": []}, "refers to block .*, which it does not hold"),
        ({"static": {"pool_revision": "99"}}, "recorded at pool revision 99"),
    ],
)
def test_replay__file_not_understood__is_a_configuration_error(
    change: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "run.json.gz"
    path.write_bytes(gzip.compress(json.dumps({**load(DATA / "aave-v3.7-s1.json.gz"), **change}).encode()))
    with pytest.raises(ConfigError, match=complaint):
        replay(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        (b"plain words", "not JSON"),
        (b"\x1f\x8bbroken", "not JSON"),
        (b"[]", "format 1"),
    ],
)
def test_replay__no_recorded_run_at_all__is_a_configuration_error(
    content: bytes | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint):
        replay(path)


def test_replay__sections_missing__are_named(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text('{"format": 1, "protocol": "aave-v3", "contracts": {}, "static": {}, "blocks": []}')
    with pytest.raises(ConfigError, match="it has no checkpoints, liquidations"):
        replay(path)
