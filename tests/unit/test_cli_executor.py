"""`keeper executor`: what it asks of a configuration."""

from pathlib import Path

import pytest

from keeper.cli.main import main

LIVE = """mode = "live"
[chain]
id = 31337
http = ["http://127.0.0.1:1"]
[[deployment]]
name = "usdc"
protocol = "comet"
comet = "0xc3d688B66703497DAA19211EEdff47f25384cdc3"
"""


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A configuration in mode live that lacks executor and key."""
    for name in ("KEEPER_PRIVATE_KEY", "KEEPER_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "keeper.toml"
    file.write_text(LIVE)
    return str(file)


def test_executor_deploy__mode_live_without_executor__asks_for_the_key_alone(
    live: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["executor", "deploy", "--config", live]) == 2
    assert capsys.readouterr().err == (
        "keeper: signer: no key; put KEEPER_PRIVATE_KEY in .env or set signer.keystore\n"
    )


def test_executor_allow__mode_live_without_executor__asks_for_it(
    live: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["executor", "allow", "--config", live]) == 2
    assert "run `keeper executor deploy`" in capsys.readouterr().err
