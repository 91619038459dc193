"""Protocols are known where they are meant to be, and nowhere else.

Which package may import which is in pyproject.toml, [tool.importlinter]; this looks at words, comments too.
"""

import re
from pathlib import Path

import pytest

from keeper.protocols.registry import ADAPTERS

KEEPER = Path(__file__).parents[2] / "keeper"

BRANDS = ("aave", "morpho", "venus", "compound", "comet", "euler")
_NAMED = re.compile("|".join(BRANDS), re.IGNORECASE)

STAGES = ("chain", "index", "risk", "plan", "execute", "ledger", "ops", "store", "sim", "app")
VERBS = ("audit", "doctor", "executor", "explain", "ledger", "plans", "positions", "replay", "risk", "run")
"""Verbs that work on whatever is configured; `init`, `devnet` and `demo` set up what they name."""


def naming(files: list[Path]) -> list[str]:
    """Lines of `files` with the name of a protocol."""
    return [
        f"{file.relative_to(KEEPER)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if _NAMED.search(line)
    ]


def test_brands__of_every_registered_protocol__are_looked_for() -> None:
    assert [name for name in ADAPTERS if not _NAMED.match(name)] == []


@pytest.mark.parametrize("stage", STAGES)
def test_stage__code_and_comments__name_no_protocol(stage: str) -> None:
    files = sorted((KEEPER / stage).rglob("*.py"))
    assert files
    assert naming(files) == []


def test_verbs__that_work_on_what_is_configured__name_no_protocol() -> None:
    assert naming([KEEPER / "cli" / f"{verb}.py" for verb in VERBS]) == []


def test_leaves__everybody_shares__name_no_protocol() -> None:
    assert naming(sorted(KEEPER.glob("*.py"))) == []
