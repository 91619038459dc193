"""Another strategy without a restart: what changed in the settings, and what has to wait."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from keeper.app.allowance import Allowance
from keeper.app.desk import Desk
from keeper.app.planning import make_allowance, make_desk
from keeper.config.model import Config
from keeper.ports import QuorumChain

LIVE = frozenset({"strategy", "guards"})
"""Sections that take effect at once."""


class Difference(NamedTuple):
    """One setting before and after, as text."""

    key: str
    before: str
    after: str


class Reloaded(NamedTuple):
    """A new policy. `max_head_age` as in Governor; `waiting` changed too and needs a restart, by section."""

    desk: Desk | None
    allowance: Allowance
    kill_file: Path | None
    max_head_age: int
    differences: list[Difference]
    waiting: list[str]


class Reloader:
    """Reads the settings again when asked."""

    def __init__(
        self, config: Config, chain: QuorumChain, reread: Callable[[], Config], *, plans: bool
    ) -> None:
        self._config = config
        self._chain = chain
        self._reread = reread
        self._plans = plans

    def allowance(self) -> Allowance:
        """The budgets of the settings in force."""
        return make_allowance(self._config)

    def max_head_age(self) -> int:
        """Seconds, of the settings in force."""
        return self._config.guards.max_head_age_seconds

    def reload(self) -> Reloaded:
        """The policy of the settings as they are now.

        Raises:
            ConfigError: they are wrong; everything stays as it is.
        """
        old, new = self._config, self._reread()
        found = [
            Difference(f"{section}.{name}", str(before), str(getattr(getattr(new, section), name)))
            for section in sorted(LIVE)
            for name, before in getattr(old, section)
            if before != getattr(getattr(new, section), name)
        ]
        waiting = [name for name, value in old if name not in LIVE | {"mode"} and value != getattr(new, name)]
        self._config = old.model_copy(update={section: getattr(new, section) for section in LIVE})
        desk = make_desk(self._config, self._chain) if self._plans else None
        return Reloaded(desk, self.allowance(), new.guards.kill_file, self.max_head_age(), found, waiting)
