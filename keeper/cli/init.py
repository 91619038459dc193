"""`keeper init`: a commented keeper.toml and .env from a few answers or flags."""

import json as jsonlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table
from keeper.config.deployment import PROTOCOL_ADDRESSES
from keeper.config.load import FILE, load
from keeper.config.reference import dotenv, toml
from keeper.errors import ConfigError
from keeper.types import Mode

QUESTIONS = {
    "chain.id": ("Chain id", None),
    "chain.http": ("HTTP endpoint(s) of a node, with commas", "http://127.0.0.1:8545"),
    "chain.ws": ("WebSocket endpoint(s), empty for none", ""),
    "deployment[].name": ("Name of the deployment", "aave-core"),
    "deployment[].addresses_provider": ("Address of its PoolAddressesProvider", None),
    "deployment[].start_block": ("Block it was created in", "0"),
    "swap[].factory": ("Uniswap v3 factory, empty for none", ""),
    "swap[].quoter": ("Uniswap v3 QuoterV2, empty for none", ""),
    "executor.address": ("Executor contract, empty for none yet", ""),
}
NUMBERS = {"chain.id", "deployment[].start_block"}
LISTS = {"chain.http", "chain.ws"}


def init(
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
    mode: Annotated[Mode, typer.Option(help="How far the keeper goes.")] = Mode.PAPER,
    chain_id: Annotated[str | None, typer.Option(help="Chain id.")] = None,
    http: Annotated[list[str] | None, typer.Option(help="HTTP endpoint; may be repeated.")] = None,
    ws: Annotated[list[str] | None, typer.Option(help="WebSocket endpoint; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option(help="Your name for the deployment.")] = None,
    protocol: Annotated[str, typer.Option(help=f"One of: {', '.join(PROTOCOL_ADDRESSES)}.")] = "aave-v3",
    addresses_provider: Annotated[str | None, typer.Option(help="Aave PoolAddressesProvider.")] = None,
    start_block: Annotated[str | None, typer.Option(help="Block the deployment was created in.")] = None,
    factory: Annotated[str | None, typer.Option(help="Uniswap v3 factory.")] = None,
    quoter: Annotated[str | None, typer.Option(help="Uniswap v3 QuoterV2.")] = None,
    executor: Annotated[str | None, typer.Option(help="Executor contract.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, take defaults.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing configuration.")] = False,
) -> None:
    """Write a commented keeper.toml and .env.

    Without flags it asks. An existing .env is always kept: it may hold the only copy of a key.
    """
    path = config or FILE
    if path.exists() and not force:
        raise ConfigError(f"{path}: exists already; overwrite it with --force or name another with --config")
    given = {
        "chain.id": chain_id,
        "chain.http": ",".join(http or []) or None,
        "chain.ws": ",".join(ws or []) or None,
        "deployment[].name": name,
        "deployment[].addresses_provider": addresses_provider,
        "deployment[].start_block": start_block,
        "swap[].factory": factory,
        "swap[].quoter": quoter,
        "executor.address": executor,
    }
    answers = {key: _answer(key, value, sys.stdin.isatty() and not yes) for key, value in given.items()}
    text = toml(_as_toml(mode, protocol, answers))
    _check(text)
    _tell(path, _write(path, text), json)


def _answer(key: str, value: str | None, asking: bool) -> str:
    question, default = QUESTIONS[key]
    if value is not None:
        return value
    return str(typer.prompt(question, default=default)).strip() if asking else default or ""


def _as_toml(mode: Mode, protocol: str, answers: dict[str, str]) -> dict[str, str]:
    """Answers as TOML values; an empty answer leaves its key out, to be reported when it is needed."""
    values = {"mode": f'"{mode}"', "deployment[].protocol": jsonlib.dumps(protocol)}
    for key, answer in answers.items():
        if answer and key in LISTS:
            values[key] = jsonlib.dumps([part.strip() for part in answer.split(",") if part.strip()])
        elif answer:
            values[key] = answer if key in NUMBERS and answer.isdigit() else jsonlib.dumps(answer)
    if answers["swap[].factory"] or answers["swap[].quoter"]:
        values["swap[].kind"] = '"uniswap-v3"'
    return values


def _check(text: str) -> None:
    """Load what is about to be written. The key comes into .env later, so mode live cannot be checked."""
    with tempfile.TemporaryDirectory(prefix="keeper-init-") as folder:
        file = Path(folder) / FILE
        file.write_text(text, encoding="utf-8")
        load(file, {"mode": Mode.PAPER.value}, env={})


def _write(path: Path, text: str) -> bool:
    """Write both files; returns whether an existing .env was kept."""
    try:
        path.write_text(text, encoding="utf-8")
        # Readable by its owner only from its first moment on.
        descriptor = os.open(path.parent / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return True
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be written: {error.strerror}; check folder and permissions"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(dotenv())
    return False


def _tell(path: Path, kept: bool, json: bool) -> None:
    env = path.parent / ".env"
    if json:
        print_json({"config": str(path), "env": str(env), "env_kept": kept})
        return
    print_table(f"wrote {path}")
    print_table(
        f"kept {env}, which was there already" if kept else f"wrote {env}, for your key; keep it private"
    )
    print_table("next: keeper doctor")
