"""From the configured key to a signer."""

from pathlib import Path

from pydantic import SecretStr

from keeper.config.model import Signer, SignerKind
from keeper.config.problems import line
from keeper.config.secrets import Secret
from keeper.errors import ConfigError
from keeper.execute.signer import LocalSigner


def load_signer(settings: Signer) -> LocalSigner | None:
    """The signer of the configured key, None when there is no key.

    Decrypting a keystore takes about a second by design: call this once.

    Raises:
        ConfigError: a file cannot be read, the password is wrong, or what it holds is no key.
    """
    if settings.kind is SignerKind.KEYSTORE:
        password = _secret(settings.password, settings.password_file, "KEEPER_KEYSTORE_PASSWORD_FILE")
        if settings.keystore is None or password is None:
            return None
        return LocalSigner.from_keystore(_text(settings.keystore, "signer.keystore"), password)
    key = _secret(settings.private_key, settings.private_key_file, "KEEPER_PRIVATE_KEY_FILE")
    return None if key is None else LocalSigner.from_key(key)


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
