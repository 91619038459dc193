"""The command line: options on both sides of the verb, exit codes, one line a problem."""

import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
import typer

from keeper.cli import main as main_module
from keeper.cli.main import main
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.verbs import VERBS, Verb
from keeper.errors import CallReverted, ConfigError, Degraded, Unreachable, WrongChain

SECRET_URL = "https://rpc.example/v3/SECRETTOKEN"

Install = Callable[[str, object], None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes `function` a verb, found the way real verbs are found."""

    def install(name: str, function: object) -> None:
        module = types.ModuleType(f"verb_{name}")
        module.found = function  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(VERBS, name, Verb(module.__name__, "found", f"Does {name}."))

    return install


def raising(error: BaseException) -> Callable[[], None]:
    def verb() -> None:
        raise error

    return verb


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--config", "a.toml", "show"],
        ["show", "--json", "--config", "a.toml"],
        ["--json", "show", "-c", "a.toml"],
        ["-c", "other.toml", "show", "--json", "-c", "a.toml"],
    ],
)
def test_options__before_or_after_the_verb__mean_the_same(install: Install, words: list[str]) -> None:
    seen = []

    def show(config: ConfigOption = None, json: JsonOption = False) -> None:
        seen.append((config, json))

    install("show", show)
    assert main(words) == 0
    assert seen == [(Path("a.toml"), True)]


def test_options__not_given__are_the_defaults(install: Install) -> None:
    seen = []

    def show(config: ConfigOption = None, json: JsonOption = False) -> None:
        seen.append((config, json))

    install("show", show)
    assert main(["show"]) == 0
    assert seen == [(None, False)]


def test_options__of_a_verb_with_verbs__come_from_the_root_too(install: Install) -> None:
    seen = []
    app = typer.Typer()

    @app.callback()
    def group() -> None:
        """Things."""

    @app.command()
    def up(config: ConfigOption = None, json: JsonOption = False) -> None:
        seen.append((config, json))

    install("devnet", app)
    assert main(["--json", "devnet", "up", "--config", "b.toml"]) == 0
    assert seen == [(Path("b.toml"), True)]


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("chain.id: wrong"), 2, "keeper: chain.id: wrong"),
        (WrongChain("serves 1"), 2, "keeper: serves 1"),
        (Unreachable("no answer"), 3, "keeper: no answer"),
        (Degraded("skipped"), 1, "keeper: skipped"),
        (CallReverted("said no"), 1, "keeper: said no"),
        (KeyboardInterrupt(), 130, "keeper: interrupted"),
        (typer.Abort(), 130, "keeper: interrupted"),
        (ValueError("odd"), 1, "keeper: ValueError: odd (--debug shows the traceback)"),
        (ExceptionGroup("two", [Unreachable("no answer")]), 3, "keeper: no answer"),
    ],
)
def test_errors__of_every_class__are_one_line_and_their_exit_code(
    install: Install, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    install("fail", raising(error))
    assert main(["fail"]) == code
    captured = capsys.readouterr()
    assert captured.err == line + "\n"
    assert captured.out == ""


def test_errors__with_several_problems__are_one_line_each(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("fail", raising(ConfigError("a: wrong\nb: wrong")))
    assert main(["fail"]) == 2
    assert capsys.readouterr().err == "keeper: a: wrong\nkeeper: b: wrong\n"


def test_errors__a_bug_beside_an_unreachable_node__counts_as_the_bug(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    group = ExceptionGroup("both", [Unreachable("no answer"), ExceptionGroup("in", [KeyError("x")])])
    install("fail", raising(group))
    assert main(["fail"]) == 1
    assert capsys.readouterr().err.count("keeper: ") == 2


def test_errors__with_urls_and_control_characters__show_neither_token_nor_escape(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("fail", raising(RuntimeError(f"from {SECRET_URL}:\x1b[2J\nnext")))
    assert main(["--debug", "fail"]) == 1
    err = capsys.readouterr().err
    assert "SECRETTOKEN" not in err
    assert err.startswith("keeper: RuntimeError: from https://rpc.example")
    assert "\x1b" not in err.splitlines()[0]


@pytest.mark.parametrize("words", [["--debug", "fail"], ["fail", "--debug"]])
def test_debug__either_side_of_the_verb__shows_the_traceback(
    install: Install, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    install("fail", raising(ValueError("odd")))
    assert main(words) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["--nonsense"], "No such option: --nonsense"),
        (["init", "--mode", "fast"], "Invalid value for '--mode': 'fast' is not one of 'watch'"),
        (["devnet", "up", "--port", "65536"], "Invalid value for '--port'"),
        (["devnet", "faults", "--upstream", "http://a", "--port", "65536"], "Invalid value for '--port'"),
        (["devnet", "faults", "--upstream", "a"], "--upstream: an endpoint must read"),
        (["demo", "--picture", "/no/such/folder/a.svg"], "no such folder"),
    ],
)
def test_usage__wrong__is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], words: list[str], part: str
) -> None:
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keeper: ")
    assert part in line


def test_usage__no_verb__shows_the_help_and_is_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "doctor" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["devnet", "executor"])
def test_usage__a_verb_with_verbs_alone__shows_its_help_and_nothing_else(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb]) == 2
    captured = capsys.readouterr()
    assert f"keeper {verb}" in captured.out
    assert captured.err == ""


def test_help__lists_every_verb__without_importing_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert [name for name in VERBS if name not in out] == []


def test_version__asked__is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("keeper 0.")


def test_exit__chosen_by_a_verb__is_the_exit_code(install: Install) -> None:
    install("fail", raising(typer.Exit(1)))
    assert main(["fail"]) == 1


def test_log__of_a_verb_without_configuration__stays_out_of_the_results(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    def show() -> None:
        structlog.get_logger("keeper.show").warning("careful", url=SECRET_URL)
        structlog.get_logger("keeper.show").info("chatter")

    install("show", show)
    assert main(["show"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "careful" in captured.err
    assert "SECRETTOKEN" not in captured.err
    assert "chatter" not in captured.err


def test_pipe__closed_by_its_reader__is_no_failure(tmp_path: Path) -> None:
    code = (
        "import sys, types\n"
        "from keeper.cli.main import main\n"
        "from keeper.cli.verbs import VERBS, Verb\n"
        "module = types.ModuleType('flood')\n"
        "def flood() -> None:\n"
        "    for number in range(100000): print(number)\n"
        "module.flood = flood\n"
        "sys.modules['flood'] = module\n"
        "VERBS['flood'] = Verb('flood', 'flood', 'Floods.')\n"
        "sys.exit(main(['flood']))\n"
    )
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=30) == 0


def test_imports__for_the_help__leave_the_heavy_libraries_out() -> None:
    code = "import sys; from keeper.cli.main import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not {"web3", "pydantic", "sqlalchemy", "numpy", "aiohttp", "eth_account"} & loaded


def test_main__as_module__is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "keeper", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("keeper 0.")
    assert main_module.__doc__ is not None
