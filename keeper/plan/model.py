"""Messages of the plan stage: what a liquidation would do and pay, or why there is none."""

from dataclasses import dataclass
from enum import StrEnum

from keeper.protocols.base import Opportunity, Settlement
from keeper.types import Address, BlockRef


@dataclass(frozen=True, slots=True)
class Hop:
    """One Uniswap v3 pool on the way, named by the token it gives and its fee (1e-6)."""

    token_out: Address
    fee: int


@dataclass(frozen=True, slots=True)
class Route:
    """How seized collateral becomes the debt asset. `amount_out` in debt-token units, as quoted.

    Empty `hops` when collateral and debt are the same asset.
    """

    factory: Address
    hops: tuple[Hop, ...]
    amount_in: int
    amount_out: int
    gas: int


@dataclass(frozen=True, slots=True)
class Profit:
    """The account of one plan. Token amounts in debt-token units, `_usd` with 8 decimals, gas in wei.

    `net_usd` = swap_out - repay - flash_fee, in USD, - gas.
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


@dataclass(frozen=True, slots=True)
class Plan:
    """A priced, sized liquidation of one account, decided on the state of `block`.

    `min_profit` (debt-token units) is what the executor enforces on chain. `headroom` is what to ask
    for beyond `settlement.repay`, which the protocol leaves untouched unless debt grew meanwhile.
    """

    deployment: str
    pool: Address
    block: BlockRef
    opportunity: Opportunity
    settlement: Settlement
    route: Route
    profit: Profit
    min_profit: int
    headroom: int = 0

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
