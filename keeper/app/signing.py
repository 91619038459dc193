"""From the configured key to a signer."""

import ssl
from pathlib import Path

from pydantic import SecretStr

from keeper.config.execution import Signer, SignerKind
from keeper.config.problems import line
from keeper.config.secrets import Secret
from keeper.errors import ConfigError
from keeper.execute.signer import GuardedSigner, HeldSigner, LocalSigner, Policy, RemoteSigner, UnsignedTx

LAST_NONCE = 2**64 - 2
"""No account gets there (EIP-2681)."""


async def prove(signer: HeldSigner, chain_id: int) -> None:
    """Have `signer` sign what can never be mined, to see that it holds the key it says.

    The transaction is an empty call to itself, with the last nonce there is and no fee.

    Raises:
        Halt: it refuses, or signs something else. Transient: it does not answer.
    """
    harmless = UnsignedTx(chain_id, LAST_NONCE, signer.address, b"", 21_000, 0, 0)
    await GuardedSigner(signer, Policy(chain_id, {}, 0)).sign(harmless)


def load_signer(settings: Signer) -> HeldSigner | None:
    """The signer of the configured key, None when there is no key. Whoever loads it closes it.

    Decrypting a keystore takes about a second by design: call this once.

    Raises:
        ConfigError: a file cannot be read, the password is wrong, or what it holds is no key.
    """
    if settings.kind is SignerKind.REMOTE:
        return _remote(settings)
    if settings.kind is SignerKind.KEYSTORE:
        password = _secret(settings.password, settings.password_file, "KEEPER_KEYSTORE_PASSWORD_FILE")
        if settings.keystore is None or password is None:
            return None
        return LocalSigner.from_keystore(_text(settings.keystore, "signer.keystore"), password)
    key = _secret(settings.private_key, settings.private_key_file, "KEEPER_PRIVATE_KEY_FILE")
    return None if key is None else LocalSigner.from_key(key)


def _remote(settings: Signer) -> RemoteSigner | None:
    if settings.url is None or settings.address is None:
        return None
    url = settings.url.reveal()
    tls = _tls(settings) if url.startswith("https:") else None
    return RemoteSigner(url, settings.address, tls=tls, deadline=settings.deadline_seconds)


def _tls(settings: Signer) -> ssl.SSLContext:
    """Who the remote signer must be, and who we are."""
    name, file = "signer.ca_file", settings.ca_file
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        name, file = "signer.cert_file", settings.cert_file
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ValueError):  # ssl.SSLError is an OSError
        raise ConfigError(
            line(
                name, f'"{file}"', "cannot be used", "check that it is PEM, and that key and certificate fit"
            )
        ) from None
    return context


def _secret(value: Secret | None, file: Path | None, name: str) -> SecretStr | None:
    if value is not None:
        return SecretStr(value.reveal())
    return None if file is None else SecretStr(_text(file, name))


def _text(file: Path, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            line(name, f'"{file}"', "cannot be read as text", "check the path and its permissions")
        ) from None
