"""Errors at the end of the line: one clear line a problem on stderr, and the exit code."""

import os
import sys
import traceback
from collections.abc import Iterator

import typer

from keeper.config.secrets import plain, scrub
from keeper.errors import KeeperError

FAILED, USAGE, INTERRUPTED = 1, 2, 130
BROKEN_PIPE = 0
"""The reader had enough (`| head`), which is no failure."""


def report(error: BaseException, *, debug: bool) -> int:
    """Say what went wrong and return the exit code for it."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else FAILED
    causes = list(_causes(error))
    for line in dict.fromkeys(line for cause in causes for line in _lines(cause)):
        _say(f"keeper: {line}")
    if debug:
        for line in "".join(traceback.format_exception(error)).splitlines():
            _say(scrub(line))
    codes = [_code(cause) for cause in causes]
    # A bug must not hide behind a code that invites scripts to wait and retry.
    return FAILED if FAILED in codes else max(codes)


def close_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's own last flush does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _causes(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _causes(member)
    else:
        yield error


def _code(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return INTERRUPTED
    if isinstance(error, typer.TyperException):
        return USAGE
    return error.exit_code if isinstance(error, KeeperError) else FAILED


def _lines(error: BaseException) -> list[str]:
    if _code(error) == INTERRUPTED:
        return ["interrupted"]
    if isinstance(error, typer.TyperException):
        # Typer ends some of its messages with a period; without one it has already shown the help.
        message = plain(error.format_message()).rstrip(".").replace("Value error, ", "")
        return [f"{message} (see keeper --help)"] if message else []
    if isinstance(error, KeeperError):
        return [plain(scrub(line)) for line in str(error).splitlines()] or [type(error).__name__]
    return [plain(scrub(f"{type(error).__name__}: {error} (--debug shows the traceback)"))]


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
