"""Log lines: both formats, the mode on each, and nothing secret whoever wrote them."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from keeper.config.model import LogFormat, LogLevel
from keeper.ops.logging import Redaction, configure_logging
from keeper.types import Mode

KEY = "0x" + "c0ffee11" * 8
SECRETS = {KEY, KEY[2:], "hunter2", "TOKEN123456"}
URL = "https://user:hunter2@rpc.example:8545/v3/TOKEN123456?x=OTHERTOKEN"


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def configured(log_format: LogFormat = LogFormat.JSON, level: LogLevel = LogLevel.INFO) -> io.StringIO:
    stream = io.StringIO()
    configure_logging(log_format, level, Mode.PAPER, SECRETS, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_json__one_event__is_one_object_with_mode_level_and_time() -> None:
    stream = configured()
    structlog.get_logger("keeper.index").info("block_applied", block=7, reorg=False)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "block_applied", "block": 7, "reorg": False, "mode": "paper", "level": "info"}


def test_console__one_event__is_readable_and_without_colour_in_a_pipe() -> None:
    stream = configured(LogFormat.CONSOLE)
    structlog.get_logger("keeper.index").info("block_applied", block=7)
    assert "block_applied" in stream.getvalue()
    assert "block=7" in stream.getvalue()
    assert "mode=paper" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize("log_format", list(LogFormat))
def test_secrets__anywhere_in_an_event__are_hidden(log_format: LogFormat) -> None:
    stream = configured(log_format)
    log = structlog.get_logger("keeper.chain")
    log.info(URL, key=KEY, deep={"list": [URL, (KEY,)], KEY: 1}, raw=bytes.fromhex(KEY[2:]).hex())
    try:
        int(f"no answer from {URL} for {KEY}")
    except ValueError:
        log.exception("failed")
    logging.getLogger("aiohttp.client").warning("retrying %s", URL)
    text = stream.getvalue()
    assert "Traceback" in text
    assert "https://rpc.example:8545" in text
    assert [word for word in (*SECRETS, "OTHERTOKEN") if word in text] == []


def test_level__below_the_configured_one__is_not_written() -> None:
    stream = configured(level=LogLevel.WARNING)
    log = structlog.get_logger("keeper.chain")
    log.info("quiet")
    log.warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


def test_libraries__below_warning__are_not_written() -> None:
    stream = configured(level=LogLevel.DEBUG)
    logging.getLogger("sqlalchemy.engine").info("chatter")
    structlog.get_logger("keeper.chain").debug("ours")
    assert [line["event"] for line in lines(stream)] == ["ours"]


def test_redaction__numbers_and_empty_values__keep_their_type() -> None:
    event = Redaction(SECRETS)(None, "info", {"n": 10**30, "f": 1.5, "b": True, "none": None, "t": (1, "x")})
    assert event == {"n": 10**30, "f": 1.5, "b": True, "none": None, "t": [1, "x"]}


def test_stderr__replaced_after_configuring__gets_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(LogFormat.JSON, LogLevel.INFO, None)
    structlog.get_logger("keeper.chain").info("hello")
    captured = capsys.readouterr()
    assert json.loads(captured.err)["event"] == "hello"
    assert captured.out == ""
