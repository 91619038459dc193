"""The signer comes from wherever the key is, and no error shows the key."""

import json
from pathlib import Path

import pytest
from eth_account import Account

from keeper.app.signing import load_signer
from keeper.config.execution import Signer
from keeper.config.secrets import Secret
from keeper.errors import ConfigError

KEY = "0x" + "11" * 32
ADDRESS = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"


def keystore(folder: Path) -> Path:
    file = folder / "store.json"
    file.write_text(json.dumps(Account.encrypt(bytes.fromhex(KEY[2:]), "correct", iterations=2)))
    return file


def test_load_signer__no_key__is_none() -> None:
    assert load_signer(Signer()) is None


def test_load_signer__key_in_the_environment__signs_for_its_address() -> None:
    signer = load_signer(Signer(private_key=Secret(KEY)))
    assert signer is not None
    assert signer.address == ADDRESS


def test_load_signer__key_in_a_file__may_end_in_a_newline(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    signer = load_signer(Signer(private_key_file=tmp_path / "key"))
    assert signer is not None
    assert signer.address == ADDRESS


@pytest.mark.parametrize("from_file", [False, True])
def test_load_signer__keystore__opens_with_its_password(tmp_path: Path, from_file: bool) -> None:
    (tmp_path / "password").write_text("correct\n")
    secret = {"password_file": tmp_path / "password"} if from_file else {"password": Secret("correct")}
    signer = load_signer(
        Signer.model_validate({"kind": "keystore", "keystore": keystore(tmp_path), **secret})
    )
    assert signer is not None
    assert signer.address == ADDRESS


def test_load_signer__keystore_without_a_password__is_none(tmp_path: Path) -> None:
    assert load_signer(Signer.model_validate({"kind": "keystore", "keystore": keystore(tmp_path)})) is None


def test_load_signer__wrong_password__shows_neither(tmp_path: Path) -> None:
    settings = {"kind": "keystore", "keystore": keystore(tmp_path), "password": Secret("hunter2")}
    with pytest.raises(ConfigError) as caught:
        load_signer(Signer.model_validate(settings))
    assert "password" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_load_signer__file_with_something_else__does_not_show_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("not a key but private")
    with pytest.raises(ConfigError) as caught:
        load_signer(Signer(private_key_file=tmp_path / "key"))
    assert "private\n" not in str(caught.value)
    assert "not a key but" not in str(caught.value)


def test_load_signer__file_that_is_gone__is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'KEEPER_PRIVATE_KEY_FILE: ".*/key": cannot be read'):
        load_signer(Signer(private_key_file=tmp_path / "key"))
