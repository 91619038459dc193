"""Which protocols a devnet or a demo gets: `--protocol NAME`, as often as wanted."""

from typing import Annotated

import typer

from keeper.devnet.deployment import PROTOCOLS
from keeper.errors import ConfigError

DEFAULT = "aave-v3.6"

ProtocolsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--protocol",
        metavar="NAME",
        help=f"One of {', '.join(PROTOCOLS)}; may be repeated.",
        show_default=DEFAULT,
    ),
]


def chosen_protocols(given: list[str] | None) -> tuple[str, ...]:
    """The protocols named, Aave v3.6 without any.

    Raises:
        ConfigError: one is not on the devnet, or named twice.
    """
    wanted = tuple(given or (DEFAULT,))
    for name in wanted:
        if name not in PROTOCOLS:
            raise ConfigError(f"--protocol {name}: not on the devnet, which has {', '.join(PROTOCOLS)}")
        if wanted.count(name) > 1:
            raise ConfigError(f"--protocol {name}: named twice")
    return wanted
