"""Tells how a set-up gets on, a line a stage, on stderr."""

import sys
from time import monotonic
from typing import Self

from rich.console import Console

STAGES = {
    "anvil": "Anvil, a local chain",
    "aave-v3.6": "Aave v3.6 (compiled from source the first time, about 20 s)",
    "aave-v3.0.2": "Aave v3.0.2",
    "aave-v2": "Aave v2",
    "morpho-blue": "Morpho Blue (compiled from source the first time, about 20 s)",
    "venus": "Venus' core pool",
    "exchange": "Uniswap v3 with liquidity",
    "borrowers": "borrowers with positions",
    "arbitrageur": "an arbitrageur",
    "executor": "the executor contract",
}


class Stages:
    """A spinner while a stage runs, a line when it is done; the Progress of `keeper.devnet.network`."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stderr, markup=False, highlight=False)
        self._spinner = self._console.status("starting …")
        self._started: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._spinner.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Take the spinner off the screen."""
        self._spinner.stop()

    def progress(self, stage: str, done: int, total: int) -> None:
        """A stage got to `done` of `total`."""
        self._started.setdefault(stage, monotonic())
        self._spinner.update(f"{STAGES[stage]} …" + (f" {done} of {total}" if total > 1 else ""))
        if done == total:
            seconds = monotonic() - self._started[stage]
            self._console.print(f"✓ {STAGES[stage]}  {seconds:.1f} s", style="dim")

    def tell(self, text: str) -> None:
        """Something happened; the spinner goes on below it."""
        self._spinner.update("the keeper is watching …")
        self._console.print(text)
