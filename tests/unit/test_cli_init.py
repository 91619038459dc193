"""`keeper init`: what it writes loads, and it never overwrites unasked."""

import json
import stat
from pathlib import Path

import pytest
import typer

from keeper.cli.main import main
from keeper.config.load import load
from keeper.config.reference import dotenv
from keeper.types import Mode

PROVIDER = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
ENOUGH = ["--yes", "--chain-id", "31337", "--addresses-provider", PROVIDER]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_init__enough_flags__writes_files_that_load(tmp_path: Path) -> None:
    assert main(["init", *ENOUGH]) == 0

    config = load("keeper.toml", env={})
    assert config.mode is Mode.PAPER
    assert config.chain.id == 31337
    assert config.chain.http[0].reveal() == "http://127.0.0.1:8545"
    assert config.deployment[0].settings == {"addresses_provider": PROVIDER.lower()}
    assert (tmp_path / ".env").read_text() == dotenv()


def test_init__env_file__is_for_its_owner_only(tmp_path: Path) -> None:
    assert main(["init", *ENOUGH]) == 0
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_init__all_flags__all_arrive() -> None:
    flags = ["--http", "http://a.example", "--http", "http://b.example", "--ws", "ws://a.example"]
    flags += ["--name", 'my "core"', "--start-block", "12", "--mode", "watch"]
    flags += ["--factory", PROVIDER, "--quoter", PROVIDER, "--executor", PROVIDER]
    assert main(["init", *ENOUGH, *flags]) == 0

    config = load("keeper.toml", env={})
    assert [url.reveal() for url in config.chain.http] == ["http://a.example", "http://b.example"]
    assert [url.reveal() for url in config.chain.ws] == ["ws://a.example"]
    assert (config.deployment[0].name, config.deployment[0].start_block) == ('my "core"', 12)
    assert config.mode is Mode.WATCH
    assert config.swap[0].quoter == config.swap[0].factory == config.executor.address == PROVIDER.lower()


def test_init__missing_and_wrong_answers__are_all_reported_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--yes", "--http", "foo", "--factory", PROVIDER]) == 2
    err = capsys.readouterr().err
    for part in ("chain.id: not set", 'chain.http: "foo"', "addresses_provider: not set", "quoter: not set"):
        assert part in err
    assert list(tmp_path.iterdir()) == []


def test_init__existing_file__is_kept_unless_forced(capsys: pytest.CaptureFixture[str]) -> None:
    Path("keeper.toml").write_text("mine")
    assert main(["init", *ENOUGH]) == 2
    assert "exists already; overwrite it with --force" in capsys.readouterr().err
    assert Path("keeper.toml").read_text() == "mine"

    assert main(["init", *ENOUGH, "--force"]) == 0
    assert load("keeper.toml", env={}).chain.id == 31337


def test_init__existing_env__is_kept_even_when_forced(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("KEEPER_PRIVATE_KEY=\n")
    assert main(["init", *ENOUGH, "--force"]) == 0
    assert Path(".env").read_text() == "KEEPER_PRIVATE_KEY=\n"
    assert "kept .env" in capsys.readouterr().out


def test_init__json__says_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--config", "sub.toml", "init", *ENOUGH]) == 0
    assert json.loads(capsys.readouterr().out) == {"config": "sub.toml", "env": ".env", "env_kept": False}


def test_init__mode_live__is_written_although_the_key_comes_later() -> None:
    assert main(["init", *ENOUGH, "--mode", "live", "--executor", PROVIDER]) == 0
    assert 'mode = "live"' in Path("keeper.toml").read_text()


def test_init__folder_that_is_not_there__is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", *ENOUGH, "--config", "none/keeper.toml"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_init__at_a_terminal__asks_for_what_no_flag_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def prompt(question: str, default: str | None = None) -> str:
        asked.append(question)
        return "5" if question == "Chain id" else default or ""

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert main(["init", "--addresses-provider", PROVIDER]) == 0
    assert "Chain id" in asked
    assert "Address of its PoolAddressesProvider" not in asked
    assert load("keeper.toml", env={}).chain.id == 5
