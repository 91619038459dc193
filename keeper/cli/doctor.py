"""`keeper doctor`: one line a dependency."""

import asyncio
from collections.abc import Sequence

from rich.console import Group
from rich.text import Text
from typer import Exit

from keeper.app.doctor import Check, examine
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table
from keeper.cli.setup import read_config
from keeper.clock import SystemClock
from keeper.config.secrets import plain
from keeper.errors import ConfigError, Unreachable

FAILED = 1


def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check configuration, nodes, contracts, signer, store and clock.

    Exit code 0 when all is well, 1 when a check failed, 2 when the configuration is wrong, 3 when
    no node answers.
    """
    try:
        settings = read_config(config)
    except ConfigError as error:
        _show([Check("config", ok=False, detail=line) for line in str(error).splitlines()], json)
        raise Exit(ConfigError.exit_code) from None
    examination = asyncio.run(examine(settings, SystemClock()))
    _show(examination.checks, json)
    if not examination.reachable:
        raise Exit(Unreachable.exit_code)
    if not all(check.ok for check in examination.checks):
        raise Exit(FAILED)


def _show(checks: Sequence[Check], json: bool) -> None:
    if json:
        print_json({"checks": checks})
        return
    width = max(len(check.name) for check in checks)
    print_table(Group(*(_line(check, width) for check in checks)))


def _line(check: Check, width: int) -> Text:
    mark = Text("ok    ", style="green") if check.ok else Text("FAILED", style="bold red")
    return Text.assemble(mark, "  ", check.name.ljust(width), "  ", plain(check.detail))
