"""What single values cannot tell: settings that must fit together. Works on the raw, merged settings."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from keeper.config.problems import line
from keeper.config.secrets import Secret

# Order of the secp256k1 group: a private key is in 1 .. N-1 (SEC 2, section 2.4.1).
SECP256K1_N = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141

FILES = {
    "private_key_file": "KEEPER_PRIVATE_KEY_FILE",
    "keystore": "signer.keystore",
    "password_file": "KEEPER_KEYSTORE_PASSWORD_FILE",
    "ca_file": "signer.ca_file",
    "cert_file": "signer.cert_file",
    "key_file": "signer.key_file",
}


def is_private_key(text: str) -> bool:
    """Whether `text` is a usable secp256k1 private key in hex, with or without 0x."""
    return bool(re.fullmatch(r"(0x)?[0-9a-fA-F]{64}", text)) and 0 < int(text, 16) < SECP256K1_N


def problems(raw: Mapping[str, Any]) -> list[str]:
    """Every conflict between settings, one line each; tolerant of values of the wrong type."""
    signer = _section(raw, "signer")
    relay = _relay(_section(raw, "relay"), signer)
    return [*_names(raw), *_signer(signer), *relay, *_hints(raw), *_live(raw)]


def _section(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = raw.get(name, {})
    return section if isinstance(section, Mapping) else {}


def _names(raw: Mapping[str, Any]) -> Iterator[str]:
    deployments = raw.get("deployment")
    tables = deployments if isinstance(deployments, list) else []
    names = [table.get("name") for table in tables if isinstance(table, Mapping)]
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            yield line(f"deployment[{index}].name", f'"{name}"', "used twice", "give each its own name")


def _signer(signer: Mapping[str, Any]) -> Iterator[str]:
    for key, where in FILES.items():
        path = signer.get(key)
        if isinstance(path, str) and not Path(path).is_file():
            yield line(where, f'"{path}"', "no such file", "write the path of an existing file")
    pairs = (("private_key", "KEEPER_PRIVATE_KEY"), ("password", "KEEPER_KEYSTORE_PASSWORD"))
    for key, variable in pairs:
        if signer.get(key) is not None and signer.get(f"{key}_file") is not None:
            yield line(variable, "(secret)", f"set together with {variable}_FILE", "keep only one of the two")
    private_key = signer.get("private_key")
    if isinstance(private_key, Secret) and not is_private_key(private_key.reveal()):
        yield line(
            "KEEPER_PRIVATE_KEY", "(secret)", "not a private key", "write 0x and 64 hex digits of a real key"
        )
    if signer.get("kind") == "keystore" and signer.get("keystore") is None:
        yield line(
            "signer.keystore", "not set", 'required by kind = "keystore"', 'write e.g. "keystore.json"'
        )
    yield from _remote(signer)


def _remote(signer: Mapping[str, Any]) -> Iterator[str]:
    if signer.get("kind") == "remote":
        for key, fix in (("url", "write its https address"), ("address", "write the account it signs for")):
            if signer.get(key) is None:
                yield line(f"signer.{key}", "not set", 'required by kind = "remote"', fix)
    if (signer.get("cert_file") is None) != (signer.get("key_file") is None):
        missing = "cert_file" if signer.get("cert_file") is None else "key_file"
        yield line(f"signer.{missing}", "not set", "certificate and key belong together", "set both")


def _relay(relay: Mapping[str, Any], signer: Mapping[str, Any]) -> Iterator[str]:
    key, file = relay.get("key"), relay.get("key_file")
    if isinstance(file, str) and not Path(file).is_file():
        yield line("KEEPER_RELAY_KEY_FILE", f'"{file}"', "no such file", "write the path of an existing file")
    if key is not None and file is not None:
        yield line(
            "KEEPER_RELAY_KEY",
            "(secret)",
            "set together with KEEPER_RELAY_KEY_FILE",
            "keep only one of the two",
        )
    if isinstance(key, Secret) and not is_private_key(key.reveal()):
        yield line(
            "KEEPER_RELAY_KEY", "(secret)", "not a private key", "write 0x and 64 hex digits of a real key"
        )
    own = signer.get("private_key")
    if isinstance(key, Secret) and isinstance(own, Secret) and _digits(key) == _digits(own):
        yield line(
            "KEEPER_RELAY_KEY", "(secret)", "the key that holds the money", "make another one for the relay"
        )


def _hints(raw: Mapping[str, Any]) -> Iterator[str]:
    found = raw.get("hints")
    tables = found if isinstance(found, list) else []
    streams = [table.get("stream") for table in tables if isinstance(table, Mapping)]
    for index, stream in enumerate(streams):
        if stream is not None and stream in streams[:index]:
            yield line(f"hints[{index}].stream", "(URL)", "used twice", "keep one section for each stream")


def _digits(key: Secret) -> str:
    return key.reveal().lower().removeprefix("0x")


def _live(raw: Mapping[str, Any]) -> Iterator[str]:
    if raw.get("mode") != "live":
        return
    if _section(raw, "executor").get("address") is None:
        yield line(
            "executor.address",
            "not set",
            'mode "live" needs it',
            "run `keeper executor deploy` and write its address",
        )
    signer = _section(raw, "signer")
    if signer.get("kind") == "keystore":
        if signer.get("password") is None and signer.get("password_file") is None:
            yield line(
                "KEEPER_KEYSTORE_PASSWORD",
                "not set",
                'mode "live" needs it',
                "set it in .env, or its _FILE form",
            )
    elif (
        signer.get("kind") != "remote"
        and signer.get("private_key") is None
        and signer.get("private_key_file") is None
    ):
        yield line(
            "KEEPER_PRIVATE_KEY", "not set", 'mode "live" needs a key', "set it in .env, or its _FILE form"
        )
