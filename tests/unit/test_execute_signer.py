"""The signing boundary: policy before, verification after, secrets never seen."""

import copy
import json
import pickle
import traceback
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from pydantic import SecretStr

from keeper.errors import ConfigError, Halt
from keeper.execute.signer import GuardedSigner, LocalSigner, Policy, SignedTx, UnsignedTx
from keeper.types import Address, Hash
from tests.execute_samples import EXECUTOR, POOL

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = Address("0x2c7536e3605d9c16a7a3d7b1898e529396a65c23")
SELECTOR = bytes.fromhex("4fb35c19")
POLICY = Policy(31337, {EXECUTOR: frozenset({SELECTOR})}, 100)
TX = UnsignedTx(31337, 5, EXECUTOR, SELECTOR + b"payload", 500_000, 1, 100)


@pytest.fixture
def signer() -> LocalSigner:
    return LocalSigner.from_key(SecretStr("0x" + KEY))


async def test_sign__allowed_transaction__raw_bytes_decode_to_it(signer: LocalSigner) -> None:
    signed = await GuardedSigner(signer, POLICY).sign(TX)
    assert signer.address == ADDRESS
    assert Account.recover_transaction(signed.raw).lower() == ADDRESS
    assert signed == await signer.sign(TX)


async def test_sign__any_numbers__same_bytes_as_eth_account(signer: LocalSigner) -> None:
    for number in (0, 1, 127, 128, 255, 256, 2**64 - 1, 10**30):
        tx = TX._replace(nonce=number % 2**64, tip=number, cap=number, data=SELECTOR * (number % 99))
        fields = {
            "type": 2,
            "chainId": tx.chain_id,
            "nonce": tx.nonce,
            "to": bytes.fromhex(EXECUTOR[2:]),
            "value": 0,
            "data": tx.data,
            "gas": tx.gas,
            "maxPriorityFeePerGas": tx.tip,
            "maxFeePerGas": tx.cap,
        }
        theirs = Account.from_key(KEY).sign_transaction(fields)
        assert await signer.sign(tx) == SignedTx(
            bytes(theirs.raw_transaction), Hash("0x" + bytes(theirs.hash).hex())
        )


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"chain_id": 1}, "chain 1 instead of 31337"),
        ({"cap": 101}, "fee cap 101 above the maximum 100"),
        ({"tip": 99, "cap": 98}, "tip 99 above the fee cap 98"),
        ({"to": POOL}, "is not an allowed contract"),
        ({"to": None}, "None is not an allowed contract"),
        ({"data": b"\x01\x02\x03\x04payload"}, "selector 0x01020304 is not allowed"),
        ({"data": b""}, "selector 0x is not allowed"),
        ({"to": ADDRESS, "data": b"\x01"}, "is not an allowed contract"),
    ],
)
async def test_sign__outside_the_policy__halts(
    signer: LocalSigner, change: dict[str, Any], objection: str
) -> None:
    with pytest.raises(Halt, match=objection):
        await GuardedSigner(signer, POLICY).sign(TX._replace(**change))


async def test_sign__contract_creation__left_to_the_unguarded_signer(signer: LocalSigner) -> None:
    signed = await signer.sign(TX._replace(to=None))
    assert Account.recover_transaction(signed.raw).lower() == ADDRESS


async def test_sign__empty_call_to_itself__allowed(signer: LocalSigner) -> None:
    tx = TX._replace(to=signer.address, data=b"")
    assert (await GuardedSigner(signer, POLICY).sign(tx)).raw


class Crooked:
    """Signs with `key` whatever `change` makes of the transaction."""

    address = ADDRESS

    def __init__(self, key: str = KEY, answer: SignedTx | None = None, **change: Any) -> None:
        self.inner, self.answer, self.change = LocalSigner(bytes.fromhex(key)), answer, change

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        return self.answer or await self.inner.sign(tx._replace(**self.change))


@pytest.mark.parametrize(
    "crooked",
    [
        Crooked(key="11" * 32),
        Crooked(to=POOL),
        Crooked(nonce=6),
        Crooked(cap=99),
        Crooked(data=SELECTOR),
        Crooked(answer=SignedTx(b"\x02garbage", Hash("0x" + "00" * 32))),
        Crooked(answer=SignedTx(b"\x02garbage", Hash("0x" + keccak(b"\x02garbage").hex()))),
    ],
)
async def test_sign__signer_returns_something_else__halts(crooked: Crooked) -> None:
    with pytest.raises(Halt, match="returned something else"):
        await GuardedSigner(crooked, POLICY).sign(TX)


@pytest.mark.parametrize("text", ["", "0x", KEY[:-1], KEY + "00", "00" * 32, "ff" * 32, "not hex " + KEY])
def test_from_key__no_valid_key__says_so_without_showing_it(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        LocalSigner.from_key(SecretStr(text))
    told = "".join(traceback.format_exception(caught.value))
    assert KEY[:-1] not in told
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_signer__shown_or_copied__the_key_stays_inside(signer: LocalSigner) -> None:
    assert KEY not in repr(signer)
    assert ADDRESS in repr(signer)
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be copied"):
            escape(signer)


def test_from_keystore__right_password__same_key(signer: LocalSigner) -> None:
    document = json.dumps(Account.encrypt(bytes.fromhex(KEY), "correct horse", kdf="pbkdf2", iterations=10))
    assert LocalSigner.from_keystore(document, SecretStr("correct horse")).address == signer.address


@pytest.mark.parametrize("document", ["{}", "no json", '{"version": 3}'])
def test_from_keystore__not_a_keystore__config_error(document: str) -> None:
    with pytest.raises(ConfigError, match="keystore"):
        LocalSigner.from_keystore(document, SecretStr("correct horse"))


def test_from_keystore__wrong_password__says_so_without_showing_it() -> None:
    document = json.dumps(Account.encrypt(bytes.fromhex(KEY), "correct horse", kdf="pbkdf2", iterations=10))
    wrong = "battery-staple"
    with pytest.raises(ConfigError, match="its password") as caught:
        LocalSigner.from_keystore(document, SecretStr(wrong))
    assert wrong not in "".join(traceback.format_exception(caught.value))
