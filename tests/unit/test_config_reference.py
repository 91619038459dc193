"""The documentation says exactly what the model says."""

import os
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import ConfigDict, TypeAdapter

from keeper.config.deployment import PROTOCOL_ADDRESSES
from keeper.config.environment import SECRETS
from keeper.config.keys import Key, all_keys
from keeper.config.load import load
from keeper.config.model import Config
from keeper.config.reference import default_of, dotenv, table, toml, variable_of

ROOT = Path(__file__).parents[2]
PROVIDER = '"0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"'


def test_documentation__the_table__is_the_model() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert table() in page


def test_documentation__every_dotted_key_in_it__exists() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    sections = "|".join({re.escape(key.name.split(".")[0]) for key in all_keys()})
    named = set(re.findall(rf"`((?:{sections})\.[a-z_]+)`", page))
    assert named <= {key.name for key in all_keys()}
    assert len(named) == len(list(all_keys())) - 1  # `mode` has no dot


def test_env_example__in_the_repository__is_the_model() -> None:
    assert (ROOT / ".env.example").read_text() == dotenv()


def test_env_example__names__are_variables_the_loader_knows() -> None:
    names = set(re.findall(r"^# (KEEPER_\w+)=", dotenv(), re.MULTILINE))
    assert names == {variable_of(key.name) for key in all_keys()}
    assert set(SECRETS) < names


@pytest.mark.parametrize(
    "key", [key for key in all_keys() if default_of(key.field) not in {"required", "none"}]
)
def test_default__as_documented__is_the_default_of_the_model(key: Key) -> None:
    value = tomllib.loads(f"value = {default_of(key.field)}", parse_float=Decimal)["value"]
    parts: Any = (key.field.annotation, "the field's own type", *key.field.metadata)
    adapter = TypeAdapter[Any](Annotated[parts], config=ConfigDict(arbitrary_types_allowed=True))
    assert adapter.validate_python(value) == key.field.default


def test_descriptions__every_key__has_one() -> None:
    assert [key.name for key in all_keys() if not key.description.endswith(".")] == []


def test_protocols__address_keys__do_not_shadow_other_keys() -> None:
    common = {"name", "protocol", "start_block", "settings"}
    assert all(not common & set(keys) for keys in PROTOCOL_ADDRESSES.values())


def test_toml__answers__load_and_the_rest_stays_commented(tmp_path: Path) -> None:
    answers = {
        "chain.id": "1",
        "chain.http": '["http://a.example"]',
        "deployment[].name": '"a"',
        "deployment[].protocol": '"aave-v3"',
        "deployment[].addresses_provider": PROVIDER,
    }
    file = tmp_path / "keeper.toml"
    file.write_text(toml(answers))

    config = load(file, env={})

    assert config.chain.id == 1
    assert config.swap == ()
    assert config == Config.model_validate(
        {
            "chain": {"id": 1, "http": ["http://a.example"]},
            "store": {"url": f"sqlite:///{tmp_path}/keeper.db"},
            "deployment": [{"name": "a", "protocol": "aave-v3", "addresses_provider": PROVIDER.strip('"')}],
        }
    )


def test_toml__every_commented_setting__is_valid_when_uncommented(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[|\w+ = )", "", toml({"deployment[].protocol": '"aave-v3"'}), flags=re.MULTILINE)
    for name in ("keystore.json", "password.txt", "ca.pem", "client.pem", "client.key", "relay-key.txt"):
        (tmp_path / name).write_text("{}")
    text = text.replace('private_key_file = "key.txt"', "")
    (tmp_path / "keeper.toml").write_text(text)

    config = load(tmp_path / "keeper.toml", env={})

    assert config.swap[0].kind == "uniswap-v3"
    assert os.fspath(config.signer.keystore or "").endswith("keystore.json")
