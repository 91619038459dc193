"""What keeper.toml has to say about a spoke of Aave v4."""

from pathlib import Path

import pytest

from keeper.config.load import load
from keeper.errors import ConfigError

SPOKE, HUB = "0x94e7A5dCbE816e498b89aB752661904E2F56c485", "0xCca852Bc40e560adC3b1Cc58CA5b55638ce826c9"


def written(folder: Path, *lines: str) -> Path:
    file = folder / "keeper.toml"
    file.write_text(
        "\n".join(
            [
                '[chain]\nid = 1\nhttp = ["http://127.0.0.1:8545"]',
                '[[deployment]]\nname = "v4"\nprotocol = "aave-v4"',
                *lines,
            ]
        )
    )
    return file


@pytest.mark.parametrize("keys", [{"spoke": SPOKE}, {"spoke": SPOKE, "hub": HUB}])
def test_load__spoke_with_or_without_a_hub__is_enough(keys: dict[str, str], tmp_path: Path) -> None:
    lines = [f'{key} = "{value}"' for key, value in keys.items()]
    (deployment,) = load(written(tmp_path, *lines), env={}).deployment
    assert deployment.settings == {key: value.lower() for key, value in keys.items()}


def test_load__hub_alone__asks_for_the_spoke(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"deployment\[0\]\.spoke|spoke"):
        load(written(tmp_path, f'hub = "{HUB}"'), env={})


def test_load__key_of_another_protocol__is_unknown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="addresses_provider"):
        load(written(tmp_path, f'spoke = "{SPOKE}"', f'addresses_provider = "{HUB}"'), env={})
