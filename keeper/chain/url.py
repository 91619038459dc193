"""Endpoint addresses. Many carry the account's token, so only the host is ever shown."""

from urllib.parse import parse_qsl, urlsplit

from keeper.errors import ConfigError

_SHORTEST_TOKEN = 8
"""Path parts below this length ("v2", "mainnet") are names, not credentials."""


class EndpointUrl:
    """An http(s) or ws(s) address whose every printed form is scheme://host.

    Raises:
        ConfigError: not such an address. The message does not repeat it.
    """

    __slots__ = ("_secrets", "_url", "host")

    def __init__(self, url: str, schemes: tuple[str, ...] = ("http", "https")) -> None:
        try:
            parts = urlsplit(url)
            reachable = bool(parts.hostname) and parts.port != 0
        except ValueError:
            reachable = False
        if not reachable or parts.scheme not in schemes:
            raise ConfigError(f"an endpoint must read {' or '.join(f'{s}://host…' for s in schemes)}")
        self._url = url
        self.host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        named = [parts.username or "", parts.password or "", *parts.path.split("/")]
        named += [value for _, value in parse_qsl(parts.query)]
        tokens = sorted((part for part in named if len(part) >= _SHORTEST_TOKEN), key=len, reverse=True)
        self._secrets = (url, *tokens)

    def reveal(self) -> str:
        """The whole address, for the HTTP client only."""
        return self._url

    def scrub(self, text: str) -> str:
        """`text` from outside without this address's credentials, on one line of bounded length."""
        for secret in self._secrets:
            text = text.replace(secret, self.host if secret == self._url else "…")
        return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]

    def __repr__(self) -> str:
        return f"EndpointUrl({self.host!r})"

    __str__ = __repr__
