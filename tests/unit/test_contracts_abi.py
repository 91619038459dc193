"""The committed artifacts are what the compiler makes of the sources next to them."""

import json
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "contracts").glob("*.vy"))


@pytest.fixture
def build() -> ModuleType:
    """scripts/build_contracts, which has no suffix to import it by."""
    loader = SourceFileLoader("build_contracts", str(ROOT / "scripts" / "build_contracts"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)
def test_artifact__source_compiled_again__is_identical(build: ModuleType, source: Path) -> None:
    committed = json.loads((ROOT / "contracts_abi" / f"{source.stem}.json").read_text())
    assert committed == build.compile_contract(source)


def test_artifact__executor__fits_on_chain() -> None:
    """Creation code is longer than what is deployed, so it bounds the 24 576 bytes of EIP-170."""
    executor = json.loads((ROOT / "contracts_abi" / "executor.json").read_text())
    assert len(executor["bytecode"]) // 2 - 1 < 24_576


def test_build__artifact_missing_or_edited__check_fails_until_it_is_built(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["build_contracts", *arguments])
        return int(build.main())

    monkeypatch.setattr(build, "SOURCES", tmp_path)
    monkeypatch.setattr(build, "ARTIFACTS", tmp_path)
    (tmp_path / "answer.vy").write_text("@external\ndef answer() -> uint256:\n    return 42\n")
    artifact = tmp_path / "answer.json"

    assert run("--check") == 1
    assert not artifact.exists()
    assert run() == 0
    assert run("--check") == 0
    artifact.write_text(artifact.read_text().replace('"0x', '"0x00'))
    assert run("--check") == 1
