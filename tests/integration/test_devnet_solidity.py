"""solc-js compiles installed packages, once."""

import json
from pathlib import Path

import pytest

from keeper.devnet import solidity
from keeper.devnet.packages import repository
from keeper.devnet.solidity import Project, compile_project
from keeper.errors import ConfigError, Unreachable

SETTINGS = {"optimizer": {"enabled": True, "runs": 200}, "evmVersion": "shanghai"}
BOX = """
pragma solidity ^0.8.0;
import {Math} from 'openzeppelin-contracts/contracts/utils/math/Math.sol';
import './Base.sol';
contract Box is Base {
  function half(uint256 a, uint256 b) external pure returns (uint256) { return Math.average(a, b); }
}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A package `box` in a repository of its own, with the real solc and OpenZeppelin linked in."""
    real = repository()
    modules = tmp_path / "node_modules"
    (modules / "box" / "src").mkdir(parents=True)
    (modules / "box" / "package.json").write_text("{}")
    (modules / "box" / "src" / "Box.sol").write_text(BOX)
    (modules / "box" / "src" / "Base.sol").write_text("pragma solidity ^0.8.0; contract Base {}")
    for name in ("solc", "@openzeppelin"):
        (modules / name).symlink_to(real / "node_modules" / name)
    monkeypatch.setattr(solidity, "repository", lambda: tmp_path)
    monkeypatch.setattr(solidity, "package", lambda name: modules / name)
    remappings = (("openzeppelin-contracts/contracts/", "@openzeppelin/contracts"),)
    return Project("box", ("src/Box.sol:Box",), remappings, SETTINGS)


async def test_compile__second_time__reads_the_cache(project: Project, tmp_path: Path) -> None:
    said: list[str] = []
    first = await compile_project(project, said.append)
    assert said == ["compiling box: 5 files, once"]
    [cached] = (tmp_path / ".cache" / "solidity").iterdir()
    assert list(json.loads(cached.read_text())) == ["Box"]
    again = await compile_project(project, said.append)
    assert len(said) == 1
    assert again["Box"].deploy_data() == first["Box"].deploy_data()
    assert first["Box"].encode("half", 2, 4)[4:] == (2).to_bytes(32) + (4).to_bytes(32)


async def test_compile__source_changed__compiles_anew(project: Project, tmp_path: Path) -> None:
    said: list[str] = []
    await compile_project(project, said.append)
    (tmp_path / "node_modules" / "box" / "src" / "Base.sol").write_text(
        "pragma solidity ^0.8.0; contract Base { uint256 public size = 3; }"
    )
    changed = await compile_project(project, said.append)
    assert len(said) == 2
    assert changed["Box"].encode("size")


async def test_compile__broken_source__says_what_solc_says(project: Project, tmp_path: Path) -> None:
    (tmp_path / "node_modules" / "box" / "src" / "Base.sol").write_text(
        "pragma solidity ^0.8.0; contract Base { oops }"
    )
    with pytest.raises(ConfigError, match=r"(?s)box does not compile: ParserError.*Base\.sol"):
        await compile_project(project)
    assert not (tmp_path / ".cache").exists()


async def test_compile__deadline_passed__ends_the_compiler(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solidity, "DEADLINE", 0.05)
    with pytest.raises(Unreachable, match="did not finish"):
        await compile_project(project)
