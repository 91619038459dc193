"""From the configured builders to the private route."""

from pathlib import Path

from keeper.chain.builder import Builder
from keeper.chain.relay import RelayClient, RelayObserver
from keeper.chain.reputation import ReputationKey
from keeper.config.problems import line
from keeper.config.relay import Relay
from keeper.errors import ConfigError


def make_route(settings: Relay, observer: RelayObserver | None = None) -> RelayClient | None:
    """The private route, None when nothing is configured. Whoever makes it enters and leaves its context.

    Raises:
        ConfigError: the key cannot be read, or is none.
    """
    if not settings.urls:
        return None
    return RelayClient(
        make_builders(settings, reputation(settings)),
        settings.method,
        names=settings.builders,
        observer=observer,
    )


def make_builders(settings: Relay, key: ReputationKey | None) -> list[Builder]:
    """One client a builder, in the order configured. The caller closes them."""
    return [Builder(url.reveal(), key, deadline=settings.deadline_seconds) for url in settings.urls]


def reputation(settings: Relay) -> ReputationKey | None:
    """The key that signs requests, None when there is none.

    Raises:
        ConfigError: the file cannot be read, or what it holds is no key.
    """
    if settings.key is not None:
        return ReputationKey(settings.key.reveal())
    return None if settings.key_file is None else ReputationKey(_text(settings.key_file))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        problem = line(
            "KEEPER_RELAY_KEY_FILE",
            f'"{file}"',
            "cannot be read as text",
            "check the path and its permissions",
        )
        raise ConfigError(problem) from None
