"""Messages of the execute stage: liquidation steps, attempts, transactions and what became of them."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, NamedTuple, Self

from keeper.execute.states import State
from keeper.plan.model import Plan
from keeper.ports import Receipt
from keeper.types import Address, Call, Hash


@dataclass(frozen=True, slots=True)
class Step:
    """One liquidation of a batch: what the plan promised, kept beside the transaction that carries it.

    `repay`, `gross`, `min_profit`, `bid` (to the block's builder) and `simulated` (profit that the last
    simulation left after the bid) in debt-token units, `seize` and `protocol_fee` in collateral-token
    units, `_usd` and `debt_price` (per whole token) in USD with 8 decimals, `gas` in units, `gas_price` and
    `data_fee` in wei. `gas_usd` is the cost of gas and data. `collateral_price` as
    `debt_price`, 0 where it is not known. `debt_symbol` is for people.
    """

    deployment: str
    account: Address
    debt: Address
    debt_decimals: int
    debt_price: int
    collateral: Address
    repay: int
    seize: int
    protocol_fee: int
    min_profit: int
    simulated: int
    gross: int
    gross_usd: int
    net_usd: int
    gas: int
    gas_price: int
    gas_usd: int
    data_fee: int = 0
    bid: int = 0
    collateral_decimals: int = 0
    collateral_price: int = 0
    debt_symbol: str = ""

    @classmethod
    def of(cls, plan: Plan, simulated: int) -> Self:
        """The step that carries out `plan`; `simulated` is the profit its last look showed."""
        settlement, profit = plan.settlement, plan.profit
        debt, collateral = plan.opportunity.debt, plan.opportunity.collateral
        return cls(
            deployment=plan.deployment,
            account=plan.account,
            debt=debt.address,
            debt_decimals=debt.decimals,
            debt_price=debt.price or 0,
            collateral=collateral.address,
            repay=settlement.repay,
            seize=settlement.seize,
            protocol_fee=settlement.protocol_fee,
            min_profit=plan.min_profit,
            simulated=simulated,
            gross=profit.gross,
            gross_usd=profit.gross_usd,
            net_usd=profit.net_usd,
            gas=profit.gas,
            gas_price=profit.gas_price,
            gas_usd=profit.gas_usd,
            data_fee=profit.data_fee,
            bid=profit.bid,
            collateral_decimals=collateral.decimals,
            collateral_price=collateral.price or 0,
            debt_symbol=debt.symbol,
        )

    @property
    def cost(self) -> int:
        """Wei that gas and data take, at the plan's gas price."""
        return self.gas * self.gas_price + self.data_fee

    def costing(self, gas: int, data_fee: int) -> Self:
        """The same step with its costs as known now; the plan's own carry the price of the native coin."""
        wei = gas * self.gas_price + data_fee
        gas_usd = -(-wei * self.gas_usd // self.cost) if self.cost else 0
        net_usd = self.net_usd + self.gas_usd - gas_usd
        return replace(self, gas=gas, data_fee=data_fee, gas_usd=gas_usd, net_usd=net_usd)

    @property
    def simulated_usd(self) -> int:
        """The simulated profit in USD, 8 decimals."""
        return self.usd(self.simulated)

    def usd(self, amount: int) -> int:
        """`amount` of the debt token in USD with 8 decimals, at the plan's price."""
        return amount * self.debt_price // int(10**self.debt_decimals)

    def bonus_usd(self, repaid: int, seized: int) -> int:
        """What the protocol gives away at its own prices, USD with 8 decimals: `seized` less `repaid`.

        0 where the collateral's price is not known.
        """
        if not self.collateral_price:
            return 0
        return seized * self.collateral_price // int(10**self.collateral_decimals) - self.usd(repaid)

    def document(self) -> dict[str, Any]:
        """The step as JSON values; `Step(**document)` brings it back."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


class Fees(NamedTuple):
    """EIP-1559 fees, wei per gas: `tip` is maxPriorityFeePerGas, `cap` is maxFeePerGas."""

    tip: int
    cap: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed form of a transaction.

    `block` is the head it was priced on, `outcome` the newest answer to it. `cancels`: an empty call
    to ourselves instead of the payload. `until`: sent privately, and worth nothing after that block;
    None when it was public. `out`: some node took it, or an answer was lost, so it may be anywhere.
    """

    number: int
    hash: Hash
    raw: bytes
    fees: Fees
    block: int
    outcome: str | None = None
    cancels: bool = False
    until: int | None = None
    out: bool = False


@dataclass(frozen=True, slots=True)
class Mined:
    """The place of the attempt that won, and whether it succeeded."""

    hash: Hash
    block: int
    block_hash: Hash
    succeeded: bool


NO_NONCE = -1
"""The nonce of a transaction that is queued, or was given up before it had one."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One logical transaction: a nonce, its payload, and every attempt to land it.

    `ceiling` is the highest fee cap worth paying, wei per gas. `created` and `time` are the number
    and timestamp of the head that it was decided on. `until` as in Attempt, for those to come.
    """

    id: int
    key: str
    chain_id: int
    sender: Address
    nonce: int
    state: State
    to: Address
    data: bytes
    gas: int
    ceiling: int
    created: int
    time: int
    steps: tuple[Step, ...]
    attempts: tuple[Attempt, ...] = ()
    mined: Mined | None = None
    until: int | None = None

    @property
    def call(self) -> Call:
        """The payload."""
        return Call(self.to, self.data)

    @property
    def newest(self) -> Attempt | None:
        """The attempt that counts now."""
        return self.attempts[-1] if self.attempts else None

    @property
    def is_out(self) -> bool:
        """Whether any attempt may be in somebody's hands."""
        return any(attempt.out for attempt in self.attempts)

    @property
    def is_settled(self) -> bool:
        """Whether the chain shows its end, final or not: the payload, or the no-op, has a receipt."""
        return self.mined is not None


class Change(NamedTuple):
    """A transaction after it moved to another state, with its receipt when it is on chain."""

    transaction: Transaction
    receipt: Receipt | None


class Verdict(StrEnum):
    """What became of one step on chain."""

    SUCCESS = "success"  # the protocol itself reported the liquidation
    SKIPPED = "skipped"  # the executor undid this step and went on
    REVERTED = "reverted"  # the whole transaction failed
    UNPROVEN = "unproven"  # no event says that it happened


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step judged by its receipt. `repaid`, `profit`, `bid` in debt units, `seized` in collateral units.

    `profit` is what the bid left.
    """

    step: Step
    verdict: Verdict
    repaid: int = 0
    seized: int = 0
    profit: int = 0
    reason: str = ""
    bid: int = 0


class Report(NamedTuple):
    """A transaction's change together with the verdict on each step; none while it is not on chain."""

    transaction: Transaction
    receipt: Receipt | None
    results: tuple[StepResult, ...]
