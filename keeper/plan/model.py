"""Messages of the plan stage: what a liquidation would do and pay, or why there is none."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from keeper.protocols.base import FlashKind, Instruction, Opportunity, Settlement
from keeper.types import Address, BlockRef


class Hop(NamedTuple):
    """One Uniswap v3 pool on the way, named by the token it gives and its fee (1e-6)."""

    token_out: Address
    fee: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One part of the sale: `amount_in` units of the collateral sold at `venue`.

    `venue` is the Uniswap v3 factory that names the pools of `hops`; with no hops, the router of an
    aggregator, which is called with `data` (at most 4096 bytes, and one such leg a transaction). The last
    leg of a route sells all that the others leave.
    """

    venue: Address
    hops: tuple[Hop, ...]
    amount_in: int
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Route:
    """How seized collateral becomes the debt asset. `amount_out` in debt-token units, as quoted.

    No `legs` when collateral and debt are the same asset.
    """

    legs: tuple[Leg, ...]
    amount_in: int
    amount_out: int
    gas: int

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Every swap in a named pool, leg by leg."""
        return tuple(hop for leg in self.legs for hop in leg.hops)

    @property
    def calls(self) -> tuple[bytes, ...]:
        """What routers of aggregators are called with."""
        return tuple(leg.data for leg in self.legs if leg.data)


@dataclass(frozen=True, slots=True)
class Loan:
    """Who lends what is repaid, for the length of the transaction, and how it is asked.

    Kind NONE: the executor's owner, by allowance.
    """

    kind: FlashKind
    lender: Address


@dataclass(frozen=True, slots=True)
class Profit:
    """The account of one plan. Token amounts in debt-token units, `_usd` with 8 decimals, gas price in wei.

    `gross` = swap_out - repay - flash_fee; `bid` is what the block's builder is promised;
    `gas_usd` = gas * gas_price + data_fee, in USD; `net_usd` = gross - bid, in USD, - gas_usd. What an L2
    takes for the transaction's bytes is either `data_fee` (wei) or `data_gas`, a part of `gas`.
    """

    swap_out: int
    repay: int
    flash_fee: int
    gross: int
    gross_usd: int
    gas: int
    gas_price: int
    gas_usd: int
    net_usd: int
    data_fee: int = 0
    data_gas: int = 0
    bid: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A priced, sized liquidation of one account, decided on the state of `block`.

    `borrower` is the address behind the account's key. `loan` is None where the protocol itself waits for
    its money. `bid_bps` of the profit go to the block's builder; `min_profit` (debt-token units) is what
    the executor enforces on chain for what is left to its owner. `headroom` is what to ask for beyond
    `settlement.repay`, which the protocol leaves untouched unless debt grew meanwhile. `turn`: a plan is
    quoted on what the plans of earlier turns leave of the pools, so it must not go before them. `lands` is
    the time (Unix seconds) of the block that it was made for, 0 where none was named. `second` is another
    liquidation of the same account that this one leaves room for. `impact` is the share of the proceeds that
    the sale loses by moving the price, where that is known.
    """

    deployment: str
    borrower: Address
    block: BlockRef
    opportunity: Opportunity
    instruction: Instruction
    settlement: Settlement
    route: Route
    profit: Profit
    min_profit: int
    loan: Loan | None = None
    bid_bps: int = 0
    headroom: int = 0
    turn: int = 0
    lands: int = 0
    second: "Plan | None" = None
    impact: float | None = None

    @property
    def steps(self) -> "tuple[Plan, ...]":
        """Every liquidation of the account, in their order."""
        return (self, *self.second.steps) if self.second else (self,)

    @property
    def request(self) -> int:
        """The repay amount to borrow and to ask the protocol to take, debt-token units."""
        return self.settlement.repay + self.headroom

    @property
    def account(self) -> Address:
        return self.opportunity.account


class Reason(StrEnum):
    """Why a candidate got no plan."""

    HEALTHY = "healthy"
    NO_PAIR = "no_pair"
    PROTOCOL_REFUSES = "protocol_refuses"
    NO_ROUTE = "no_route"
    NO_FLASH_LIQUIDITY = "no_flash_liquidity"
    UNPROFITABLE = "unprofitable"
    BELOW_MINIMUM = "below_minimum"
    GAS_PRICE_TOO_HIGH = "gas_price_too_high"
    PRICE_MISSING = "price_missing"
    UNCONFIRMED = "unconfirmed"
    DENIED = "denied"
    TOO_LARGE = "too_large"
    ORACLE_GAP = "oracle_gap"
    TOXIC = "toxic"
    SIMULATION_FAILED = "simulation_failed"
    NO_GAS_MONEY = "no_gas_money"
    CROWDED_OUT = "crowded_out"
    FAILED_BEFORE = "failed_before"
    IN_FLIGHT = "in_flight"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A candidate that will not be liquidated now, with the reason and the best try if there was one."""

    deployment: str
    account: Address
    block: BlockRef
    reason: Reason
    detail: str
    best: Plan | None = None
