"""The log: lines for people or JSON for servers, on stderr, with nothing secret in them."""

import logging
import sys
from collections.abc import Collection, Mapping
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from keeper.config.model import LogFormat, LogLevel
from keeper.config.secrets import scrub
from keeper.types import Mode


class Redaction:
    """A processor that hides known secret values and cuts URLs to their host, however deep they sit."""

    def __init__(self, secrets: Collection[str]) -> None:
        # The longest first, or a key would leave its prefix behind where a part of it is known too.
        self._secrets = sorted(secrets, key=len, reverse=True)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {self.text(str(key)): self._clean(value) for key, value in event.items()}

    def text(self, text: str) -> str:
        """`text` without secrets and URL paths."""
        for secret in self._secrets:
            text = text.replace(secret, "(secret)")
        return scrub(text)

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(item) for item in value]
        return self.text(str(value))


class LineHandler(logging.Handler):
    """Writes lines to `stream`, or to whatever is stderr at the time of writing."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        try:
            stream = self._stream or sys.stderr
            stream.write(self.format(record) + "\n")
            stream.flush()
        except Exception:  # noqa: BLE001 - a full disk must not stop the work; logging reports it
            self.handleError(record)


def configure_logging(
    log_format: LogFormat,
    level: LogLevel,
    mode: Mode | None,
    secrets: Collection[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send structlog and the standard library's log to `stream` (stderr), `mode` if any on every line.

    Libraries speak from WARNING on: their chatter is not the keeper's.
    """
    handler = LineHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                Redaction(secrets),
                _renderer(log_format, stream or sys.stderr),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("keeper").setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=_named,
        cache_logger_on_first_use=False,
    )
    if mode is not None:
        structlog.contextvars.bind_contextvars(mode=mode.value)


def _named(*names: str) -> logging.Logger:
    """Every structlog logger is below "keeper", whose level is the operator's."""
    return logging.getLogger(names[0] if names else "keeper")


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderer(log_format: LogFormat, stream: TextIO) -> Processor:
    if log_format is LogFormat.JSON:
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=stream.isatty())
