"""What the book remembers of a Morpho Blue deployment, and under which keys.

Markets and tokens go by small numbers in the order they appeared. An account is a borrower in one market:
its key is `address:id`, its risk group the market's number. Its collateral is a leg in the collateral
token, its borrow shares are a leg in the loan token; supply shares back nothing, so they are records.

| key | value |
|---|---|
| `("morpho",)`, `("factory",)` | the contract; the factory of pre-liquidation contracts, "" where none is followed |
| `("watched",)`, `("role", address)` | addresses whose logs must be fetched; Role of each |
| `("number", id)`, `("market", number)`, `("markets",)` | number of a market; Terms; how many there are |
| `("totals", number)`, `("collateral", number)` | Totals; sum of the collateral, token units |
| `("rate_at_target", number)` | the adaptive curve's state, wad a second |
| `("token", number)`, `("token_number", address)`, `("tokens",)` | address of a token; its number; how many there are |
| `("supply", key)` | supply shares of `address:id` |
| `("recipient",)` | who gets the fee shares |
| `("bad_debt", token)` | assets written off so far, token units |
| `("pre", address)`, `("pres", number)` | PreLiquidation of a contract; the contracts of a market |
| `("authorized", borrower)`, `("users", operator)` | who may act for an address; for how many addresses it may act |
| `("decimals", token)`, `("symbol", token)` | what the token says of itself; decimals None where it says nothing sane |
| `("price", oracle)` | collateral in loan units, scaled by 10^36, at the last head; None where the oracle reverts |
| `("rate", number)` | borrow rate (wad a second) read at the last head where the curve is not followed; None where the model reverts |
| `("curve", irm)` | 1 once the model was seen to answer as the adaptive curve, 0 once it was seen not to |
| `("usd", token)` | USD with 8 decimals at the last head; None while unknown |
| `("set_aside", number)` | why a market is left out; None where it is not |
| `("too_many", id)` | 1 for a market that came after all numbers were used up |
| `("gaps",)` | Gaps: how often logs contradicted the book, and how first |
| `("doubt",)` | why the book can no longer be trusted |
"""  # noqa: E501 (a table row is one line)

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.records import Key, follow
from keeper.protocols.trust import Gaps
from keeper.types import ZERO_ADDRESS, Address

MOST_NUMBERS = 1 << 16
"""The book numbers assets with 16 bits; anyone may create markets, so their number is bounded here."""


class Role(IntEnum):
    """What a contract is to the deployment."""

    MORPHO = 0
    IRM = 1
    FACTORY = 2
    PRE_LIQUIDATION = 3  # its logs say nothing that Morpho's do not; read from receipts only


class Terms(NamedTuple):
    """MarketParams, which never change, with the market's id and the numbers of its tokens."""

    id: str
    loan: Address
    collateral: Address
    oracle: Address
    irm: Address
    lltv: int
    loan_number: int
    collateral_number: int

    @property
    def params(self) -> tuple[Address, Address, Address, Address, int]:
        """As Morpho takes them: loan and collateral token, oracle, irm, lltv."""
        return self.loan, self.collateral, self.oracle, self.irm, self.lltv


class Totals(NamedTuple):
    """struct Market: assets in loan token units, shares, `updated` in seconds, `fee` in wad."""

    supply_assets: int = 0
    supply_shares: int = 0
    borrow_assets: int = 0
    borrow_shares: int = 0
    updated: int = 0
    fee: int = 0


class PreLiquidation(NamedTuple):
    """Parameters of a PreLiquidation contract (wad), which never change, and the market it serves."""

    market: int
    lltv: int
    close_factor_1: int
    close_factor_2: int
    incentive_1: int
    incentive_2: int
    oracle: Address


RECORD_TYPES: tuple[type, ...] = (Terms, Totals, PreLiquidation, Gaps)


def account_key(borrower: Address, market_id: str) -> Address:
    """The key of an account."""
    return Address(f"{borrower}:{market_id}")


def split(account: Address) -> tuple[Address, str]:
    """Address and market id of an account's key."""
    borrower, _, market_id = account.partition(":")
    return Address(borrower), market_id


def morpho(book: Book) -> Address:
    """The contract."""
    found: Address = book.get(("morpho",))
    return found


def markets(book: Book) -> Iterator[tuple[int, Terms]]:
    """Every market with its number."""
    for number in range(book.get(("markets",), 0)):
        yield number, book.get(("market", number))


def number_of(book: Book, market_id: str) -> int | None:
    """Number of a market, None for one that was never created."""
    found: int | None = book.get(("number", market_id))
    return found


def totals(book: Book, number: int) -> Totals:
    """What Morpho stores of a market."""
    found: Totals = book.get(("totals", number))
    return found


def supply_shares(book: Book, account: Address) -> int:
    """Supply shares of `address:id`."""
    found: int = book.get(("supply", account), 0)
    return found


def used_pre_liquidations(book: Book, number: int) -> list[Address]:
    """The PreLiquidation contracts of a market that anyone lets act: anyone may create more."""
    return [contract for contract in book.get(("pres", number), ()) if book.get(("users", contract))]


def pre_liquidations(book: Book, account: Address, number: int) -> list[Address]:
    """The contracts that the account's owner lets pre-liquidate it."""
    contracts = used_pre_liquidations(book, number)
    allowed = book.get(("authorized", split(account)[0]), ()) if contracts else ()
    return [contract for contract in contracts if contract in allowed]


def replace(book: Book, key: Key, value: object) -> None:
    """As for all protocols, but None is put too: asked for, and not to be had."""
    if book.get(key, _ABSENT) != value:
        book.put(key, value)


_ABSENT = object()


def watch(book: Book, address: Address, role: Role) -> None:
    """Fetch the logs of `address` from now on and fold them by `role`."""
    if address == ZERO_ADDRESS or book.get(("role", address)) is not None:
        return
    book.put(("role", address), int(role))
    follow(book, address)
