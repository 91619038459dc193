"""The command `keeper`: finds the verb, runs it, and turns every ending into an exit code."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from keeper.cli.failures import BROKEN_PIPE, close_stdout, report
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.verbs import VERBS, Verb


class LazyCommand(TyperCommand):
    """A verb that is imported when it is run, so that `keeper --help` stays fast."""

    def __init__(self, name: str, verb: Verb) -> None:
        super().__init__(name, help=verb.help)
        self._verb = verb

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return self._load().make_context(info_name, args, parent, **extra)

    def _load(self) -> Any:
        """A function becomes a command; a `typer.Typer` (devnet, executor) a group of commands."""
        import_module("keeper.cli.setup").log_to_stderr()
        found = getattr(import_module(self._verb.module), self._verb.attribute)
        if not isinstance(found, typer.Typer):
            app = _typer()
            app.command(self.name, help=self._verb.help)(found)
            found = app
        return typer.main.get_command(found)


class Verbs(TyperGroup):
    """All verbs, in the order of the table."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> LazyCommand | None:  # noqa: ARG002
        verb = VERBS.get(cmd_name)
        return None if verb is None else LazyCommand(cmd_name, verb)


def _typer() -> typer.Typer:
    return typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - slow, and needed only here

        typer.echo(f"keeper {version('keeper')}")
        raise typer.Exit


def _keeper(
    ctx: typer.Context,
    config: ConfigOption = None,  # noqa: ARG001 - the verbs inherit it
    json: JsonOption = False,  # noqa: ARG001
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,  # noqa: ARG001
    show_version: Annotated[  # noqa: ARG001
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Liquidation keeper for lending protocols on EVM chains."""
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())
        raise typer.Exit(2)


def _invoke(words: list[str]) -> int:
    app = _typer()
    app.callback(cls=Verbs, invoke_without_command=True)(_keeper)
    command = typer.main.get_command(app)
    try:
        with command.make_context("keeper", words) as ctx:
            result = command.invoke(ctx)
    except typer.Exit as end:
        return end.exit_code
    return result if isinstance(result, int) else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `keeper` with `arguments` (the process's own unless given) and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words  # read here, because it matters when parsing itself fails
    try:
        code = _invoke([word for word in words if word != "--debug"])
        sys.stdout.flush()
    except BrokenPipeError:
        close_stdout()
        return BROKEN_PIPE
    except BaseException as error:  # noqa: BLE001 - the last stop: every ending has a code and a line
        return report(error, debug=debug)
    return code
