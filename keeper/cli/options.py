"""Options of every verb. `keeper --json VERB` and `keeper VERB --json` mean the same.

A verb declares `config: ConfigOption = None, json: JsonOption = False` and turns `config` into
settings with `keeper.cli.setup.read_config`.
"""

from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

T = TypeVar("T")


def _inherited(ctx: typer.Context, param: typer.CallbackParam, value: T) -> T:
    """The nearest value given on the command line, looking from the verb outwards."""
    context: Any = ctx
    while context is not None:
        source = context.get_parameter_source(param.name)
        if source is not None and source.name == "COMMANDLINE":
            given: T = value if context is ctx else context.params[param.name]
            return given
        context = context.parent
    return value


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Configuration file; keeper.toml unless given.",
        callback=_inherited,
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.", callback=_inherited)]
