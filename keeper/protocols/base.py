"""The seam between lending protocols and everything else.

A protocol is pure: it says which calls to make and what the bytes mean, folds logs into a
position book, and answers questions about health and liquidations in exact integers. It never
does I/O. An account is named by a key: its address, or `address:market` where a deployment has several
markets, in lower case. Reading happens through a *conversation* (`Reads`): a generator that yields batches of
calls and receives their results, driven by the index stage at one block.
"""

from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from keeper.types import Address, BlockRef, Call, Log

T = TypeVar("T")

Reads = Generator[Sequence[Call], Sequence[bytes | None], T]
"""Yields calls, receives results (None where a call reverted), returns what it learned."""

Floats = NDArray[np.float64]


class Side(IntEnum):
    """Which side of the balance sheet a leg stands on."""

    COLLATERAL = 0
    DEBT = 1


@dataclass(frozen=True, slots=True)
class LegColumns:
    """The legs of a market as parallel columns, one entry a leg, for vectorised screening."""

    account: NDArray[np.int32]  # row of the account
    asset: NDArray[np.int32]  # the protocol's own small number for the asset
    side: NDArray[np.int8]
    quantity: Floats  # float64 mirror of the exact raw integer
    enabled: NDArray[np.bool_]  # collateral flag; always true for debt


class Book(Protocol):
    """Positions and protocol records of one market. `keeper.index.book` implements it.

    Quantities are raw integers exactly as the protocol stores them (scaled balances, shares).
    Records are immutable values (ints, strings, named tuples of them) replaced as a whole, so
    that each change can be journalled and undone, and the book can be saved.
    """

    def accounts(self) -> Sequence[Address]: ...
    def row(self, account: Address) -> int | None:
        """Row of a known account, None for one that never had a leg."""
        ...

    def quantity(self, account: Address, asset: int, side: Side) -> int: ...
    def set_quantity(self, account: Address, asset: int, side: Side, quantity: int) -> None: ...
    def enabled(self, account: Address, asset: int) -> bool: ...
    def set_enabled(self, account: Address, asset: int, enabled: bool) -> None: ...
    def group(self, account: Address) -> int:
        """The account's risk group (Aave: eMode category); 0 where there is none."""
        ...

    def set_group(self, account: Address, group: int) -> None: ...
    def groups(self) -> NDArray[np.int32]:
        """Group of every account by row."""
        ...

    def legs(self, account: Address) -> Sequence[tuple[int, Side, int, bool]]:
        """(asset, side, exact quantity, enabled) of every leg with a quantity, by asset ascending."""
        ...

    def columns(self) -> LegColumns: ...
    def columns_of(self, rows: NDArray[np.intp]) -> LegColumns:
        """The legs of the accounts in `rows`, each there once; `account` is the place in `rows`."""
        ...

    @property
    def revision(self) -> int:
        """Grows with every change of any account's legs or group."""
        ...

    def changed(self, since: int) -> NDArray[np.intp]:
        """Ascending rows of the accounts whose legs or group changed after revision `since`; or all rows."""
        ...

    def get(self, key: tuple[str | int, ...], default: Any = None) -> Any: ...
    def put(self, key: tuple[str | int, ...], value: Any) -> None: ...
    def items(self, kind: str) -> Iterable[tuple[tuple[str | int, ...], Any]]:
        """Records whose key starts with `kind`, in the order they were first put."""
        ...


@dataclass(frozen=True, slots=True)
class AssetInfo:
    """What the later stages need to know of an asset. `price` in USD with 8 decimals per whole token."""

    asset: int
    address: Address
    symbol: str
    decimals: int
    price: int | None


@dataclass(frozen=True, slots=True)
class Health:
    """An account's exact health at one frame. Values in the market's `unit`, factor in wad.

    The unit "USD" has 8 decimals. In any other the values are the protocol's own integers, and holdings
    tell what they are worth.
    """

    account: Address
    collateral: int
    debt: int
    health_factor: int
    liquidatable: bool
    details: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Holding:
    """One leg for people: `amount` in token units with interest, `value` in USD with 8 decimals."""

    asset: AssetInfo
    side: Side
    amount: int
    value: int | None
    enabled: bool


@dataclass(frozen=True, slots=True)
class Settlement:
    """What one liquidation will do, in token units: exactly the amounts the protocol will emit.

    `repay` is pulled from the liquidator, `seize` is what the liquidator receives (net of
    `protocol_fee`), `bad_debt` by debt asset is written off by the protocol in the same call.
    """

    repay: int
    seize: int
    protocol_fee: int
    bad_debt: Mapping[Address, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the protocol would revert: a stable code and a sentence for people."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Opportunity:
    """One (debt, collateral) pair of a liquidatable account and the repay amounts the rules allow.

    `ranges` are inclusive intervals of repay amounts in debt-token units, disjoint, ascending.
    """

    account: Address
    debt: AssetInfo
    collateral: AssetInfo
    ranges: tuple[tuple[int, int], ...]


class Dialect(IntEnum):
    """How the executor speaks to who takes a liquidation; numbered as in contracts/executor.vy."""

    AAVE = 0  # liquidationCall; Aave v2 and v3
    AAVE_V4 = 1  # a spoke's liquidationCall by reserve ids
    MORPHO = 2  # liquidate with a callback, no capital
    PRE_LIQUIDATION = 3  # preLiquidate with a callback, no capital
    COMPOUND = 4  # liquidateBorrow, then redeem what was seized
    COMET = 5  # absorb, then buyCollateral
    EULER = 6  # take over the debt, redeem the collateral and repay inside one deferred check


@dataclass(frozen=True, slots=True)
class Instruction:
    """The protocol's part of a liquidation, in the executor's terms.

    `venue` takes the call, in the words of `dialect`; `data` is the ABI encoding of what the dialect
    needs beyond account, collateral, debt and repay. `self_funded`: the protocol hands out the collateral
    before it wants to be paid, so no loan is needed.
    """

    dialect: Dialect
    venue: Address
    data: bytes = b""
    self_funded: bool = False


class FlashKind(IntEnum):
    """Who lends for the length of a transaction; numbered as in contracts/executor.vy."""

    NONE = 0
    AAVE = 1  # flashLoanSimple; Aave v3
    MORPHO = 2  # flashLoan of one token
    BALANCER = 3  # flashLoan of a list, Balancer v2's vault
    UNISWAP_V3 = 4  # flash of a pool
    AAVE_V2 = 5  # flashLoan of a list; Aave v2
    FLASH_SWAP = 6  # the sale's first Uniswap v3 pool, which pays first and waits for the collateral


class FlashSource(Protocol):
    """A lender of flash loans and what it asks."""

    @property
    def kind(self) -> FlashKind: ...
    @property
    def lender(self) -> Address: ...

    def available(self, token: Address) -> int:
        """Most that it would lend of `token` now, token units; 0 where it lends none."""
        ...

    def fee(self, token: Address, amount: int) -> int:
        """What it wants on top of `amount`, token units."""
        ...


@dataclass(frozen=True, slots=True)
class LiquidationEvent:
    """A liquidation the protocol itself reported, in the same terms as Settlement."""

    account: Address
    debt: Address
    collateral: Address
    repaid: int
    seized: int
    liquidator: Address


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """What is left when liquidators take all the rules allow: token units by asset.

    `bad_debt` is debt without collateral behind it.
    """

    steps: int
    repaid: Mapping[Address, int]
    seized: Mapping[Address, int]
    bad_debt: Mapping[Address, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """One value the book and the chain disagree on. `subject` is an account or an asset."""

    subject: Address
    field: str
    book: int
    chain: int


class Frame(Protocol):
    """Per-asset numbers projected to one timestamp; cheap to build, shared by all accounts."""

    @property
    def timestamp(self) -> int: ...


F = TypeVar("F", bound=Frame)


class Market(Protocol):
    """One market of one deployment: exact state folded from logs, and the questions about it."""

    deployment: str
    name: str
    unit: str
    """What health is judged in; "USD" only where that is so for every account."""
    book: Book

    @property
    def doubt(self) -> str | None:
        """Why the book cannot be trusted enough to sign for this market; None when all is well."""
        ...

    def gaps(self) -> int:
        """How often logs contradicted the book, because some were never given: in doubt while above 0."""
        ...

    def close_gaps(self) -> None:
        """Every account and total was compared with the chain since the last gap, and agreed."""
        ...

    def notices(self) -> list[str]:
        """What an operator should know and was not told yet, a sentence each."""
        ...

    def addresses(self) -> frozenset[Address]:
        """Contracts whose logs must be fetched, as far as known now."""
        ...

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        """Further contracts that these logs (not folded yet) bring into being."""
        ...

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        """Read the facts without which `logs` (not folded yet) cannot be understood.

        Only what never changes, such as the revision of a contract that a proxy is pointed to.
        """
        ...

    def fold(self, log: Log, timestamp: int) -> None:
        """Apply one log. Order matters; logs of foreign contracts and ignorable events are no-ops."""
        ...

    def refresh(self, block: BlockRef) -> Reads[None]:
        """What logs do not carry (oracle prices, fee constants), read at `block`, the one just folded."""
        ...

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> Any:
        """Numbers at `timestamp`; `prices` (USD, 8 decimals) replace the oracle's where given.

        `number` is the block's, for interest that counts in blocks; None: estimated from the pace of
        the chain. What changes with time alone (ramps, cool-offs, discounts) is as at `timestamp`.
        """
        ...

    def assets(self) -> Sequence[AssetInfo]: ...
    def pairs(self) -> Collection[tuple[Address, Address]] | None:
        """(collateral, debt) tokens that liquidations may have now; None: any two of `assets`."""
        ...

    def health(self, account: Address, frame: Any) -> Health: ...
    def holdings(self, account: Address, frame: Any) -> Sequence[Holding]:
        """The account's legs at `frame`, by asset ascending."""
        ...

    def screen(self, frame: Any) -> Floats:
        """Approximate health factor by account row (inf without debt); error below `screen_margin`."""
        ...

    screen_margin: float

    def opportunities(self, account: Address, frame: Any) -> Sequence[Opportunity]: ...
    def settle(self, opportunity: Opportunity, repay: int, frame: Any) -> Settlement | Refusal: ...
    def exhaust(self, account: Address, frame: Any) -> Exhaustion:
        """Liquidate the account on paper, step by step, until it is healthy or has no collateral."""
        ...

    def audit_accounts(self, accounts: Sequence[Address], frame: Any) -> Reads[list[Difference]]:
        """Compare `accounts` with the protocol's own view at the block read; `frame` is at its time."""
        ...

    def audit_reserves(self) -> Reads[list[Difference]]:
        """Compare every asset's records, and its totals with the sums over all accounts."""
        ...

    def heal(self, subject: Address) -> Reads[None]:
        """Take over what the chain stores of an account or an asset."""
        ...

    def bad_debt(self) -> Mapping[Address, int]:
        """Deficit the protocol has booked, by asset, token units."""
        ...

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        """How the executor carries out `opportunity`; `request` as in `settle`, plus headroom."""
        ...

    def venues(self) -> frozenset[Address]:
        """Contracts that take liquidation calls or lend: what an executor's owner has to open."""
        ...

    def flash_sources(self) -> Sequence[FlashSource]:
        """Lenders that this deployment brings along, for its own liquidations and all others."""
        ...

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]: ...


@runtime_checkable
class Foresighted(Protocol):
    """A market that can tell what a liquidation leaves for the next one in the same block."""

    def after(self, opportunity: Opportunity, repay: int, frame: Any) -> tuple[Market, Any] | Refusal:
        """The market and the frame after repaying `repay`, for questions only; or why that is refused."""
        ...
