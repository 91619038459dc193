"""What a verb does first: read the configuration and set up the log."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keeper.config.load import FILE, load
from keeper.config.model import Config, LogFormat, LogLevel
from keeper.ops.logging import configure_logging


def log_to_stderr() -> None:
    """The log before there is a configuration: warnings only, and never into the results."""
    configure_logging(LogFormat.CONSOLE, LogLevel.WARNING, None)


def read_config(file: Path | None, overrides: Mapping[str, Any] | None = None) -> Config:
    """The configuration of this run. `overrides` are flags by dotted key; None means not given.

    Raises:
        ConfigError: with one line for every problem.
    """
    config = load(file or FILE, overrides)
    configure_logging(config.ops.log_format, config.ops.log_level, config.mode, config.secrets())
    return config
