"""`keeper init`: a commented keeper.toml and .env from a preset, a few answers or flags."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table
from keeper.cli.questions import Draft, Flags, drafted
from keeper.config.deployment import PROTOCOL_ADDRESSES
from keeper.config.load import FILE, load
from keeper.config.presets import networks
from keeper.config.reference import dotenv
from keeper.errors import ConfigError
from keeper.types import Mode

PROTOCOLS = ", ".join(PROTOCOL_ADDRESSES)
NETWORKS = ", ".join(networks())


def init(
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
    network: Annotated[
        str | None, typer.Option(help=f"Fill in the live addresses of one of: {NETWORKS}.")
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help=f"With --network may be repeated; aave-v3 unless given. Known: {PROTOCOLS}."),
    ] = None,
    mode: Annotated[Mode, typer.Option(help="How far the keeper goes.")] = Mode.PAPER,
    chain_id: Annotated[str | None, typer.Option(help="Chain id.")] = None,
    http: Annotated[list[str] | None, typer.Option(help="HTTP endpoint; may be repeated.")] = None,
    ws: Annotated[list[str] | None, typer.Option(help="WebSocket endpoint; may be repeated.")] = None,
    name: Annotated[str | None, typer.Option(help="Your name for the deployment.")] = None,
    address: Annotated[
        list[str] | None,
        typer.Option(help="A contract of the protocol, KEY=0x…, by its key in [[deployment]]; repeated."),
    ] = None,
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
    flags: Flags = {
        "chain.id": chain_id,
        "chain.http": ",".join(http or []) or None,
        "chain.ws": ",".join(ws or []) or None,
        "deployment[].name": name,
        **_addresses(address or [], addresses_provider),
        "deployment[].start_block": start_block,
        "swap[].factory": factory,
        "swap[].quoter": quoter,
        "executor.address": executor,
    }
    draft = drafted(mode, network, protocol or [], flags, asking=sys.stdin.isatty() and not yes)
    _check(draft.text)
    _tell(path, draft, _write(path, draft.text), json)


def _addresses(given: list[str], provider: str | None) -> Flags:
    """The --address flags by dotted key.

    Raises:
        ConfigError: one is not KEY=0x….
    """
    found: Flags = {} if provider is None else {"deployment[].addresses_provider": provider}
    for flag in given:
        key, separator, text = flag.partition("=")
        if not separator or not key or not text:
            raise ConfigError(f'--address: "{flag}": not KEY=0x…; write e.g. comptroller=0x…')
        found[f"deployment[].{key}"] = text
    return found


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


def _tell(path: Path, draft: Draft, kept: bool, json: bool) -> None:
    env = path.parent / ".env"
    if json:
        print_json(
            {"config": str(path), "env": str(env), "env_kept": kept, "deployments": list(draft.deployments)}
        )
        return
    print_table(f"wrote {path} with {', '.join(draft.deployments)}")
    print_table(
        f"kept {env}, which was there already" if kept else f"wrote {env}, for your key; keep it private"
    )
    other = "" if path == FILE else f" --config {path}"
    print_table(f"next: keeper doctor{other}")
