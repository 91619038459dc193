"""The kinds of values a setting can have: how each is read exactly, and how it is shown."""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, PlainSerializer

from keeper.config.secrets import Secret, SecretUrl
from keeper.types import ZERO_ADDRESS, Address, parse_address

_MARKET_ID = re.compile("0x[0-9a-f]{64}")

DATABASES = ("sqlite", "postgresql")


def _address(value: object) -> Address:
    if value is None:
        raise ValueError("required")
    if not isinstance(value, str):
        raise ValueError("not an address: text is needed")  # noqa: TRY004 - pydantic collects ValueErrors
    try:
        address = parse_address(value)
    except ValueError as error:
        # The value is shown in front of the reason already.
        raise ValueError(str(error).partition(" is ")[2]) from None
    if address == ZERO_ADDRESS:
        raise ValueError("the zero address, which is no contract")
    return address


def _setting(value: object) -> Address | tuple[str, ...]:
    """An address, or a list of market ids (32 bytes); a variable writes the list with commas."""
    if isinstance(value, str) and ("," in value or len(value) > len(ZERO_ADDRESS)):
        value = _commas(value)
    if not isinstance(value, list | tuple):
        return _address(value)
    ids = [str(each).lower() for each in value]
    for each in ids:
        if not _MARKET_ID.fullmatch(each):
            raise ValueError(f"{each!r} is no market id: not 0x and 64 hex digits")
    return tuple(ids)


def _url(*schemes: str) -> Callable[[object], SecretUrl]:
    kind = "http(s)" if "http" in schemes else "ws(s)"

    def parse(value: object) -> SecretUrl:
        if isinstance(value, SecretUrl):
            return value
        try:
            parts = urlsplit(str(value))
            valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid or " " in str(value):
            raise ValueError(f"not an {kind} URL" if kind == "http(s)" else f"not a {kind} URL")
        return SecretUrl(str(value))

    return parse


def _database(value: object) -> SecretUrl:
    if isinstance(value, SecretUrl):
        return value
    scheme, separator, rest = str(value).partition("://")
    if not separator or scheme not in DATABASES or not rest:
        raise ValueError("not a SQLite or Postgres URL")
    return SecretUrl(str(value))


def _scaled(decimals: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise ValueError("not a decimal number")  # noqa: TRY004 - pydantic collects ValueErrors
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise ValueError("not a decimal number") from None
        if not number.is_finite() or abs(number) >= 10**30:
            raise ValueError("not a finite number of ordinary size")
        if number < 0:
            raise ValueError("negative")
        scaled = number.scaleb(decimals)
        if scaled != int(scaled):
            raise ValueError(f"more than {decimals} decimals")
        return int(scaled)

    return parse


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("not a number")  # noqa: TRY004 - pydantic collects ValueErrors
    return value


def _commas(value: object) -> object:
    """Environment variables write lists with commas; one value alone is a list of one."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _secret(value: object) -> Secret:
    return value if isinstance(value, Secret) else Secret(str(value))


def public(value: Any) -> Any:
    """What may be shown of a setting's value."""
    return value.public if isinstance(value, Secret) else value


Addresses = Annotated[tuple[Annotated[Address, BeforeValidator(_address)], ...], BeforeValidator(_commas)]
AddressText = Annotated[Address, BeforeValidator(_address)]
ProtocolSetting = Annotated[Any, BeforeValidator(_setting)]
SecretText = Annotated[Secret, BeforeValidator(_secret), PlainSerializer(public)]
HttpUrl = Annotated[SecretUrl, BeforeValidator(_url("http", "https")), PlainSerializer(public)]
WsUrl = Annotated[SecretUrl, BeforeValidator(_url("ws", "wss")), PlainSerializer(public)]
HttpUrls = Annotated[tuple[HttpUrl, ...], BeforeValidator(_commas), Field(min_length=1)]
SendUrls = Annotated[tuple[HttpUrl, ...], BeforeValidator(_commas)]
WsUrls = Annotated[tuple[WsUrl, ...], BeforeValidator(_commas)]
DatabaseUrl = Annotated[SecretUrl, BeforeValidator(_database), PlainSerializer(public)]
Usd = Annotated[int, BeforeValidator(_scaled(8))]
Gwei = Annotated[int, BeforeValidator(_scaled(9))]
Count = Annotated[int, BeforeValidator(_no_bool), Field(ge=0)]
Positive = Annotated[int, BeforeValidator(_no_bool), Field(gt=0)]
Seconds = Annotated[float, BeforeValidator(_no_bool), Field(gt=0, allow_inf_nan=False)]
FilePath = Annotated[Path, PlainSerializer(str)]

ADDRESS_EXAMPLE = '"0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"'
"""An address as it stands in keeper.toml."""
