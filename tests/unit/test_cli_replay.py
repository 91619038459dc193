"""`keeper replay` as scripts see it: fields, exit codes, one clear line on a wrong file."""

import gzip
import json
from pathlib import Path

import pytest

from keeper.cli.main import main

RUN = Path(__file__).parents[1] / "vectors/data/aave-v3.6-s2.json.gz"


@pytest.fixture
def falsified(tmp_path: Path) -> Path:
    """The run with one recorded health factor changed."""
    document = json.loads(gzip.decompress(RUN.read_bytes()))
    account = next(iter(document["checkpoints"][-1]["accounts"].values()))
    account["health_factor"] = str(int(account["health_factor"]) - 1)
    path = tmp_path / "falsified.json"
    path.write_text(json.dumps(document))
    return path


def test_replay__json__is_one_object_a_file(capsys: pytest.CaptureFixture[str], falsified: Path) -> None:
    assert main(["replay", "--json", str(RUN), str(falsified)]) == 1
    good, bad = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    expected = {"file": str(RUN), "snapshots": 990, "liquidations": 66}
    assert good == {**expected, "mismatches": 0, "first_mismatch": None}
    assert (bad["file"], bad["mismatches"]) == (str(falsified), 1)
    assert "health_factor: contracts" in bad["first_mismatch"]


def test_replay__for_people__shows_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(RUN)]) == 0
    shown = capsys.readouterr().out
    assert RUN.name in shown
    assert "990" in shown


def test_replay__no_such_file__is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "absent.json.gz"]) == 2
    assert "absent.json.gz: cannot be read" in capsys.readouterr().err
