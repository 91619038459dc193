"""What the book remembers of an Euler deployment besides the positions, and under which keys.

Every value is an int, a string, or a tuple of them, replaced as a whole, so that the book can undo
and save each change. Vaults go by a small number, in the order they were first heard of; shares are
collateral legs and debts debt legs of their vault's number.

| key | value |
|---|---|
| `("deployment",)` | Deployment |
| `("watched",)` | addresses whose logs must be fetched |
| `("role", address)` | Watched |
| `("vaults",)` | address of every vault by number |
| `("number", address)` | number of a vault |
| `("vault", number)` | Vault |
| `("status", number)` | Status |
| `("terms", number)` | Terms |
| `("ltvs", number)` | numbers of the collaterals a vault recognises |
| `("ltv", number, collateral)` | Ltv |
| `("operations", number)` | Operations of the current transaction, until it is known what they mean |
| `("written_off", number)` | the Operation by which a liquidation that goes on wrote debt off |
| `("socialized", number)` | debt written off since the start block, asset units |
| `("controllers", account)` | addresses of the account's controllers |
| `("strangers", collateral)` | accounts that enabled what is neither of the factory nor recognised by any vault |
| `("since", number, account)` | the vault's interest accumulator when the account's debt was last written |
| `("checked", account)` | time of the account's last status check |
| `("implementation",)` | what upgradeable vaults run |
| `("route", oracle, base, unit)`, `("leaf", oracle, base, unit)` | Steps from an amount to its quote; Scale of one of them, None where the oracle gives no quote |
| `("asset", address)` | Asset: what the token says of itself |
| `("usd", unit)` | Scale from a unit of account to USD with 8 decimals, None while unknown |
| `("price", asset)` | USD with 8 decimals per whole token, None while unknown |
| `("gaps",)` | how often logs contradicted the book, and how first |
| `("doubt",)` | why the book can no longer be trusted |
"""  # noqa: E501 (a table row is one line)

from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.euler_v2.names import ALL_OPERATIONS, DEFAULT_INTEREST_FEE
from keeper.protocols.records import follow, replace
from keeper.protocols.trust import Gaps
from keeper.types import RAY, ZERO_ADDRESS, Address

NOWHERE = Address("")


class Role(IntEnum):
    """What a contract is to the deployment."""

    FACTORY = 0
    CONNECTOR = 1
    VAULT = 2
    # Never watched: present for the table of events, which says why.
    DEBT_TOKEN = 3
    ROUTER = 4
    PROTOCOL_CONFIG = 5


class Watched(NamedTuple):
    """Role of a contract; `vault` is the number of a vault, -1 for all others."""

    role: int
    vault: int


class Deployment(NamedTuple):
    """The contracts an operator names: the vault factory and the Ethereum Vault Connector."""

    factory: Address
    connector: Address


class Vault(NamedTuple):
    """A vault's immutable metadata. `asset` is empty for a collateral that no factory of ours made."""

    number: int
    address: Address
    asset: Address = NOWHERE
    oracle: Address = ZERO_ADDRESS
    unit: Address = ZERO_ADDRESS


class Status(NamedTuple):
    """VaultStorage as of `updated` (seconds).

    `borrows` in 2^-31 assets, `fees` are shares within `shares`, `accumulator` in ray, `rate` in ray a
    second.
    """

    updated: int
    shares: int = 0
    borrows: int = 0
    fees: int = 0
    cash: int = 0
    accumulator: int = RAY
    rate: int = 0


class Terms(NamedTuple):
    """What a vault's governor sets: fee and discount of 1e4, cool-off in seconds, bits of operations."""

    interest_fee: int = DEFAULT_INTEREST_FEE
    max_discount: int = 0
    cool_off: int = 0
    hook_target: Address = ZERO_ADDRESS
    hooked: int = ALL_OPERATIONS
    flags: int = 0

    def disabled(self, operation: int) -> bool:
        """Whether the operation is hooked to nobody, so that it reverts."""
        return bool(self.hooked & operation) and self.hook_target == ZERO_ADDRESS


class Ltv(NamedTuple):
    """LTVConfig: LTVs of 1e4; the liquidation LTV falls from `initial` until `target` (seconds)."""

    borrow: int
    liquidation: int
    initial: int
    target: int
    ramp: int


class Asset(NamedTuple):
    """An ERC-20 as it describes itself."""

    symbol: str
    decimals: int


class Operation(NamedTuple):
    """One Borrow (change > 0) or Repay (change < 0) event of a transaction that goes on."""

    account: Address
    change: int


class Hop(NamedTuple):
    """A step of a quote: the shares of one of our vaults become assets."""

    vault: int


class Leaf(NamedTuple):
    """A step of a quote: an oracle that is asked itself, from `base` to `quote`."""

    oracle: Address
    base: Address
    quote: Address


class Scale(NamedTuple):
    """amount -> floor(amount * num / den)."""

    num: int
    den: int


RECORD_TYPES: tuple[type, ...] = (
    Gaps,
    Watched,
    Deployment,
    Vault,
    Status,
    Terms,
    Ltv,
    Asset,
    Operation,
    Hop,
    Leaf,
    Scale,
)


def deployment(book: Book) -> Deployment:
    """The addresses it was opened with."""
    found: Deployment = book.get(("deployment",))
    return found


def vaults(book: Book) -> tuple[Address, ...]:
    """Address of every vault by number."""
    found: tuple[Address, ...] = book.get(("vaults",), ())
    return found


def vault(book: Book, number: int) -> Vault:
    """A known vault."""
    found: Vault = book.get(("vault", number))
    return found


def status(book: Book, number: int) -> Status:
    """What a vault stores."""
    found: Status = book.get(("status", number))
    return found


def terms(book: Book, number: int) -> Terms:
    """What a vault's governor has set."""
    found: Terms = book.get(("terms", number))
    return found


def number_of(book: Book, address: Address) -> int | None:
    """Number of a known vault, None for any other address."""
    found: int | None = book.get(("number", address))
    return found


def ltvs(book: Book, number: int) -> tuple[int, ...]:
    """Numbers of the collaterals that a vault recognises."""
    found: tuple[int, ...] = book.get(("ltvs", number), ())
    return found


def controllers(book: Book, account: Address) -> tuple[Address, ...]:
    """The account's controllers; more than one only inside a transaction."""
    found: tuple[Address, ...] = book.get(("controllers", account), ())
    return found


def watch(book: Book, address: Address, role: Role, number: int = -1) -> None:
    """Fetch the logs of `address` from now on and fold them by `role`."""
    replace(book, ("role", address), Watched(int(role), number))
    follow(book, address)
