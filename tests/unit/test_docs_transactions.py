"""docs/transactions.md names every rule, and files and tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/transactions.md").read_text()
ROWS = re.findall(r"^\| (T\d+) \| (.*) \| (.*) \| (.*) \|$", PAGE, re.MULTILINE)


def test_rules__all_of_them__have_a_row() -> None:
    assert [row[0] for row in ROWS] == [f"T{number}" for number in range(31)]


def test_rules__every_file_named__exists() -> None:
    for rule, _, where, _ in ROWS:
        files = re.findall(r"`([\w/]+\.py)`", where)
        assert files, rule
        for file in files:
            folder = ROOT if file.startswith("keeper/") else ROOT / "keeper/execute"
            assert (folder / file).is_file(), (rule, file)


def test_rules__every_test_named__exists() -> None:
    sources = {path: path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    everything = "\n".join(text for path, text in sources.items() if path != Path(__file__))
    for rule, _, _, tests in ROWS:
        for file in re.findall(r"`([\w/]+\.py)`", tests):
            assert (ROOT / "tests" / file).is_file(), (rule, file)
        words = re.sub(r"`[^`]*`", "", tests)
        for name in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", words):
            assert name in everything, (rule, name)
        for case in re.findall(r"\bT\d+\b", words):
            assert f'"{case} ' in everything, (rule, case)
