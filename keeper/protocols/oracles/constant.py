"""Sources with nothing beneath them: a price that is set by hand, and one that nobody announces."""

from typing import NamedTuple

from keeper.protocols import decode
from keeper.protocols.oracles.source import Change, Found, Source, View
from keeper.protocols.oracles.words import contract, data, integer, signed
from keeper.types import Address, Call, Log


class Fixed(NamedTuple):
    """FixedPriceAdapter: `value` until FixedPriceUpdated."""

    value: int

    def answer(self, view: View) -> int | None:  # noqa: ARG002 (a fixed price does not change with time)
        return self.value

    def children(self) -> tuple[Address, ...]:
        return ()


class Polled(NamedTuple):
    """A source of no known kind: `value` is what it answered when it was last asked."""

    value: int | None = None

    def answer(self, view: View) -> int | None:  # noqa: ARG002 (how it changes with time is not known)
        return self.value

    def children(self) -> tuple[Address, ...]:
        return ()

    def reading(self, address: Address) -> Call | None:
        return decode.call(address, _ANSWER)

    def read(self, result: bytes | None) -> "Polled":
        value = decode.uint(result)
        return Polled(None if value is None else signed(value))


def _price_updated(record: Fixed, log: Log) -> Fixed:  # noqa: ARG001 (handlers are called alike)
    return Fixed(data(log, 1))


EVENTS: dict[str, Change] = {"FixedPriceUpdated(int256,int256)": _price_updated}

_ANSWER = "latestAnswer()"
_PRICES = ("price()", "PRICE()")
_OWNER = "ACL_MANAGER()"
GETTERS = (_ANSWER, *_PRICES, _OWNER)


def recognise_fixed(found: Found) -> Source | None:
    """Aave's own adapter, not just anything with a price: only that is known to announce a new one."""
    answer = integer(found, _ANSWER)
    prices = {integer(found, getter) for getter in _PRICES} - {None}
    if answer is None or prices != {answer} or contract(found, _OWNER) is None:
        return None
    return Fixed(answer)


def recognise_any(found: Found) -> Source:
    return Polled(integer(found, _ANSWER))
