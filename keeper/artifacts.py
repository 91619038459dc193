"""Contract artifacts that ship with the package: ABI and creation code, one JSON file a contract."""

import json
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

from keeper.errors import Fatal

FOLDER = "contracts_abi"


class Artifact(NamedTuple):
    """A compiled contract. `bytecode` is its creation code, empty for a contract never deployed here."""

    abi: tuple[dict[str, Any], ...]
    bytecode: bytes


@cache
def load_artifact(name: str) -> Artifact:
    """Return the artifact `contracts_abi/<name>.json`.

    Raises:
        Fatal: this installation has no such artifact.
    """
    file = _folder() / f"{name}.json"
    if not file.is_file():
        raise Fatal(f"the contract artifact {name}.json is missing from this installation")
    document = json.loads(file.read_text(encoding="utf-8"))
    return Artifact(tuple(document["abi"]), bytes.fromhex(document.get("bytecode", "0x").removeprefix("0x")))


def _folder() -> Traversable:
    """A wheel carries the folder inside the package, a checkout beside it."""
    packaged = files("keeper") / FOLDER
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / FOLDER
