"""What a protocol's contracts can be asked, and the same figures from the keeper."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from keeper.devnet.aave.market import Market, Reserve
from keeper.types import Address

Named = Mapping[str, int]
"""Integers by name."""


class Question(NamedTuple):
    """A call, and a name for each of the answer's first words; "" for those that are not compared."""

    to: Address
    data: bytes
    names: tuple[str, ...]


class Figures(Protocol):
    """One protocol: what to ask of a market's contracts, and what the keeper's market says to it.

    Both sides give figures of the same names. `market` is the keeper's, `frame` its frame at the head.
    """

    def tokens(self, reserve: Reserve) -> list[Address]:
        """Contracts whose Transfer logs name everybody who has to do with the reserve."""
        ...

    def health(self, deployed: Market, user: Address) -> list[Question]: ...
    def account(self, deployed: Market, user: Address, listed: Sequence[Reserve]) -> list[Question]:
        """Everything of an account, health included."""
        ...

    def reserve(self, deployed: Market, reserve: Reserve) -> list[Question]: ...
    def common(self, deployed: Market) -> dict[str, list[Question]]:
        """By subject: what belongs to no account and no reserve."""
        ...

    def meant(self, actual: Named, derived: Named) -> Named:
        """An account's figures as the contracts gave them, without what has no effect."""
        ...

    def derived_health(self, market: Any, user: Address, frame: Any) -> Named: ...
    def derived_account(self, market: Any, user: Address, frame: Any) -> Named: ...
    def derived_reserve(self, market: Any, asset: Address, frame: Any) -> Named: ...
    def derived_common(self, market: Any, subject: str) -> Named: ...


def words_of(answer: bytes) -> list[int]:
    """The 32-byte words of a call's result."""
    return [int.from_bytes(answer[start : start + 32]) for start in range(0, len(answer), 32)]


def argument(user: Address) -> bytes:
    """`user` as an ABI word: the encoder is too slow for tens of thousands of calls."""
    return bytes.fromhex(user[2:]).rjust(32, b"\0")


def answered(questions: Iterable[Question], answers: Iterator[bytes]) -> dict[str, int]:
    """The figures that the next answers give."""
    figures: dict[str, int] = {}
    for question in questions:
        words = words_of(next(answers))
        assert len(words) >= len(question.names), question
        figures |= {name: word for name, word in zip(question.names, words, strict=False) if name}
    return figures
