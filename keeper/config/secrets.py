"""Values that must not be seen: keys, passwords, and the tokens that RPC URLs carry."""

import re
from typing import Self
from urllib.parse import urlsplit

_URL = re.compile(r"\b(?:https?|wss?|postgresql)://[^\s\"'<>\\]+")
_KEY = re.compile(r"(?<![0-9a-zA-Z])(?:0x)?[0-9a-fA-F]{64}(?![0-9a-zA-Z])")


class Secret:
    """A string that only `reveal()` shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    @property
    def public(self) -> str:
        """What people, logs and errors may see of it."""
        return "(secret)"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.public})"

    def __str__(self) -> str:
        return self.public

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


class SecretUrl(Secret):
    """A URL whose path, query and user part may hold a token: only scheme, host and port are public."""

    __slots__ = ()

    @property
    def public(self) -> str:
        return public_url(self._value)


def public_url(url: str) -> str:
    """Scheme, host and port of `url`; of a file database the whole, as a path is no secret.

    Text without a scheme is cut where a token could begin.
    """
    if url.startswith("sqlite:"):
        return url
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    host = re.split(r"[/?#\s]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}{separator}{host}"


def scrub(text: str, *, keys: bool = False) -> str:
    """`text` with every URL cut to its public part and, with `keys`, every 32-byte hex number hidden.

    `keys` is for words of the operator (a key pasted in the wrong place); elsewhere 32 bytes
    are usually a hash that people need to read.
    """
    shown = _URL.sub(lambda match: public_url(match[0]), text)
    return _KEY.sub("(secret)", shown) if keys else shown


def plain(text: str) -> str:
    """`text` on one line without control characters: a node's words must not steer the terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def tokens(secret: Secret) -> frozenset[str]:
    """The strings that give `secret` away wherever they appear.

    Short parts of a URL ("v2", "eth", a database user) are words, not tokens, and stay readable.
    """
    value = secret.reveal()
    if not isinstance(secret, SecretUrl):
        return frozenset({value, value.removeprefix("0x")} - {""})
    if value.startswith("sqlite:"):
        return frozenset()
    parts = urlsplit(value)
    words = re.split(r"[/?&=#]", f"{parts.username or ''}/{parts.path}?{parts.query}#{parts.fragment}")
    return frozenset({word for word in words if len(word) >= 8} | ({parts.password or ""} - {""}))
