"""Third-party parts are found in node_modules, and what is missing is said with its fix."""

import platform
from pathlib import Path

import pytest

from keeper.devnet.anvil import AnvilOptions
from keeper.devnet.packages import anvil_binary, node_binary, package, repository
from keeper.errors import ConfigError


def install(root: Path, name: str) -> Path:
    folder = root / "node_modules" / name
    folder.mkdir(parents=True)
    (folder / "package.json").write_text("{}")
    return folder


def test_repository__file_deep_inside__is_the_folder_with_node_modules(tmp_path: Path) -> None:
    install(tmp_path, "solc")
    assert repository(tmp_path / "keeper" / "devnet" / "packages.py") == tmp_path


def test_repository__no_node_modules_above__names_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\./scripts/setup"):
        repository(tmp_path / "keeper" / "packages.py")


def test_package__not_installed__names_it_and_the_fix(tmp_path: Path) -> None:
    installed = install(tmp_path, "@openzeppelin/contracts")
    assert package("@openzeppelin/contracts", tmp_path) == installed
    with pytest.raises(ConfigError, match=r"solc is not installed: run \./scripts/setup"):
        package("solc", tmp_path)


@pytest.mark.parametrize(
    ("system", "machine", "name"),
    [("linux", "x86_64", "anvil-linux-amd64"), ("darwin", "arm64", "anvil-darwin-arm64")],
)
def test_anvil_binary__known_machine__is_the_platform_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str, name: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    folder = install(tmp_path, f"@foundry-rs/{name}")
    assert anvil_binary(tmp_path) == folder / "bin" / "anvil"


def test_anvil_binary__unknown_machine__is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(ConfigError, match=r"no Anvil for .* on riscv64"):
        anvil_binary(tmp_path)


def test_node_binary__not_on_the_machine__names_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match=r"Node\.js is not installed"):
        node_binary()


def test_anvil_options__fork__takes_the_chain_id_of_the_forked_chain() -> None:
    plain = AnvilOptions().arguments()
    assert plain[plain.index("--chain-id") + 1] == "31337"
    forked = AnvilOptions(fork_url="http://127.0.0.1:1", fork_block=7).arguments()
    assert "--chain-id" not in forked
    assert forked[forked.index("--fork-block-number") + 1] == "7"
