"""Where the devnet's third-party parts are: the repository's own folders, never PATH."""

import platform
import shutil
import sys
from pathlib import Path

from keeper.errors import ConfigError

_FIX = "run ./scripts/setup in the repository"
_PLACES = ("node_modules", ".cache/packages")
"""The second holds packages that are used without the many that they would bring along."""

_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def repository(start: Path = Path(__file__)) -> Path:
    """The folder that holds node_modules, found by walking up from `start`.

    Raises:
        ConfigError: no folder above `start` has one.
    """
    for folder in start.resolve().parents:
        if (folder / "node_modules").is_dir():
            return folder
    raise ConfigError(f"no node_modules folder above {start.parent}: the devnet needs a checkout; {_FIX}")


def package(name: str, root: Path | None = None) -> Path:
    """The folder of the npm package `name`.

    Raises:
        ConfigError: it is not installed.
    """
    base = root or repository()
    for place in _PLACES:
        if (base / place / name / "package.json").is_file():
            return base / place / name
    raise ConfigError(f"npm package {name} is not installed: {_FIX}")


def anvil_binary(root: Path | None = None) -> Path:
    """The Anvil executable for this machine, without the Node wrapper around it.

    Raises:
        ConfigError: it is not installed, or npm has none for this machine.
    """
    machine = platform.machine().lower()
    architecture = _MACHINES.get(machine)
    if architecture is None or sys.platform not in {"linux", "darwin"}:
        raise ConfigError(f"npm carries no Anvil for {sys.platform} on {machine}: use Linux or macOS")
    return package(f"@foundry-rs/anvil-{sys.platform}-{architecture}", root) / "bin" / "anvil"


def node_binary() -> str:
    """The Node.js executable, which runs solc-js.

    Raises:
        ConfigError: Node.js is not installed.
    """
    found = shutil.which("node")
    if found is None:
        raise ConfigError("Node.js is not installed: install Node.js 20 or newer, then " + _FIX)
    return found
