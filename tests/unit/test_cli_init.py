"""`keeper init`: what it writes loads, and it never overwrites unasked."""

import json
import re
import stat
from pathlib import Path

import pytest
import typer

from keeper.cli.main import main
from keeper.config.deployment import PROTOCOL_ADDRESSES
from keeper.config.load import load
from keeper.config.presets import networks
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
    assert json.loads(capsys.readouterr().out) == {
        "config": "sub.toml",
        "env": ".env",
        "env_kept": False,
        "deployments": ["aave-core"],
    }


def test_init__mode_live__is_written_although_the_key_comes_later() -> None:
    assert main(["init", *ENOUGH, "--mode", "live", "--executor", PROVIDER]) == 0
    assert 'mode = "live"' in Path("keeper.toml").read_text()


def test_init__folder_that_is_not_there__is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", *ENOUGH, "--config", "none/keeper.toml"]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_init__at_a_terminal__asks_for_what_no_flag_gave(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def prompt(question: str, default: str | None = None, show_default: bool = True) -> str:
        asked.append(question)
        assert show_default == bool(default)
        return "5" if question == "Chain id" else default or ""

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert main(["init", "--addresses-provider", PROVIDER]) == 0
    assert "Chain id" in asked
    assert not [question for question in asked if "PoolAddressesProvider" in question]
    assert load("keeper.toml", env={}).chain.id == 5


@pytest.mark.parametrize("protocol", PROTOCOL_ADDRESSES)
def test_init__at_a_terminal__asks_for_the_keys_of_the_protocol(
    protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = PROTOCOL_ADDRESSES[protocol]

    def prompt(question: str, default: str | None = None, show_default: bool = True) -> str:
        known = {"Chain id": "5", "Protocol": protocol} | dict.fromkeys(keys, PROVIDER)
        return known.get(re.split(r":| \(", question)[0], default or "")

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert main(["init"]) == 0
    [deployment] = load("keeper.toml", env={}).deployment
    assert deployment.protocol == protocol
    assert deployment.settings == dict.fromkeys(keys, PROVIDER.lower())


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        (["basse"], 'keeper: --network: "basse": no presets'),
        (["base", "venus"], 'keeper: --protocol: "venus": no preset on base'),
    ],
)
def test_init__at_a_terminal__a_wrong_answer_is_said_before_the_next_question(
    answers: list[str], line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = iter(answers)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", lambda *_, **__: next(left))
    assert main(["init"]) == 2
    assert capsys.readouterr().err.startswith(line)


def test_init__at_a_terminal__offers_the_protocols_of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def prompt(question: str, default: str | None = None, **_: bool) -> str:
        asked.append(question)
        return "unichain" if question.startswith("Network") else default or ""

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert main(["init"]) == 0
    assert "Protocol (morpho-blue)" in asked
    assert load("keeper.toml", env={}).deployment[0].protocol == "morpho-blue"


def test_init__address_flags__arrive_and_foreign_ones_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["init", "--yes", "--chain-id", "5", "--protocol", "euler-v2"]
    assert main([*words, "--address", f"evc={PROVIDER}", "--address", f"vault_factory={PROVIDER}"]) == 0
    assert set(load("keeper.toml", env={}).deployment[0].settings) == {"evc", "vault_factory"}
    capsys.readouterr()
    assert main([*words, "--force", "--address", f"comet={PROVIDER}"]) == 2
    assert "no key of euler-v2; its keys are: vault_factory, evc" in capsys.readouterr().err
    assert main([*words, "--force", "--address", PROVIDER]) == 2
    assert "not KEY=0x" in capsys.readouterr().err


@pytest.mark.parametrize("name", networks())
def test_init_network__every_protocol_it_knows__loads(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    net = networks()[name]
    flags = [word for protocol in net.protocols for word in ("--protocol", protocol)]
    assert main(["init", "--network", name, *flags, "--http", "http://node.example", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    config = load("keeper.toml", env={})
    assert config.chain.id == net.chain_id
    assert [each.name for each in config.deployment] == told["deployments"]
    assert len(config.deployment) == len(net.deployments)
    assert len(config.exchanges) == (net.swap is not None)
    assert config.chain.http[0].reveal() == "http://node.example"


def test_init_network__comet__brings_morpho_as_a_lender() -> None:
    assert main(["init", "--network", "base", "--protocol", "comet"]) == 0
    config = load("keeper.toml", env={})
    assert [each.name for each in config.deployment] == ["comet-usdc", "comet-weth"]
    assert [(each.kind, each.address[:6]) for each in config.lender] == [("morpho", "0xbbbb")]


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--network", "etherium"], "no presets; known: ethereum (aave-v2, aave-v3"),
        (
            ["--network", "base", "--protocol", "euler-v2"],
            "known on base: aave-v3, comet, morpho-blue; known:",
        ),
        (["--network", "base", "--chain-id", "1"], "chain.id: given: the preset of base sets it"),
        (["--protocol", "comet", "--protocol", "venus", "--yes"], "several need --network"),
    ],
)
def test_init_network__what_no_preset_knows__is_code_2_and_says_what_there_is(
    flags: list[str], reason: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["init", *flags]) == 2
    assert reason in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
