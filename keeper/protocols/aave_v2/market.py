"""One Aave v2 deployment: positions folded from logs, and every question about them."""

from collections.abc import Iterable, Mapping, Sequence

from keeper.protocols.aave_v2 import audit, discover, frame, ranges, refresh
from keeper.protocols.aave_v2.dollars import dollar_at, in_usd
from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v2.events import ANNOUNCEMENTS, HANDLERS
from keeper.protocols.aave_v2.exhaust import exhaust
from keeper.protocols.aave_v2.facts import Fact, named, probe
from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v2.liquidation import liquidate
from keeper.protocols.aave_v2.pair import examine
from keeper.protocols.aave_v3 import health
from keeper.protocols.aave_v3.fold_oracle import price_at
from keeper.protocols.aave_v3.fold_pool import liquidation_events
from keeper.protocols.aave_v3.loans import balances
from keeper.protocols.aave_v3.math import ray_mul
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.records import Reserve, Watched, deployment, listed
from keeper.protocols.aave_v3.screen import SCREEN_MARGIN
from keeper.protocols.aave_v3.supposed import paid_out, supposed
from keeper.protocols.base import (
    AssetInfo,
    Book,
    Dialect,
    Difference,
    Exhaustion,
    FlashKind,
    FlashSource,
    Floats,
    Health,
    Holding,
    Instruction,
    LiquidationEvent,
    Opportunity,
    Reads,
    Refusal,
    Settlement,
    Side,
)
from keeper.protocols.flash import Lender
from keeper.protocols.oracles.checks import PriceChecks
from keeper.protocols.trust import Trust
from keeper.types import BPS, Address, BlockRef, Log, checksum


class AaveV2Market(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    Collateral and debt of `Health` are in wei of ether, the oracle's currency; `AssetInfo.price` is in USD
    by the price of a stable coin (`dollars`). All state is in the book, so undoing the book undoes the
    market; facts about contracts are kept besides, which never change.
    """

    name = "pool"
    unit = "ETH"
    screen_margin = SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book) -> None:
        self.deployment = deployment
        self.book = book
        self.price_checks = PriceChecks()
        self._facts: dict[Address, Fact] = {}
        self._now = 0

    def notices(self) -> list[str]:
        return [
            f"derived price {found.derived} of {checksum(found.asset)} was {found.read} at the oracle (wei); "
            + ("its source was replaced" if found.relearnt else "its source is only read from now on")
            for found in self.price_checks.untold()
        ]

    @property
    def _pool(self) -> Address:
        return deployment(self.book).pool

    def addresses(self) -> frozenset[Address]:
        return frozenset(self.book.get(("watched",), ()))

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        return discover.discovered(logs, self.addresses())

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        self._facts |= yield from probe(named(logs, self._facts))

    def fold(self, log: Log, timestamp: int) -> None:
        self._now = timestamp
        if not log.topics:
            return
        watched: Watched | None = self.book.get(("role", log.address))
        if watched is None:
            handler = ANNOUNCEMENTS.get(log.topics[0])
            reserve = -1
        else:
            role, reserve = watched
            handler = HANDLERS[role].get(log.topics[0])
        if handler:
            handler(self.book, Event(log, reserve, timestamp, self._facts))

    def refresh(self, block: BlockRef) -> Reads[None]:
        self._now = block.timestamp
        yield from refresh.refresh(self.deployment, self.book, self.price_checks, block)

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> AaveV2Frame:
        del number  # interest counts in seconds
        return frame.build(self.book, timestamp, prices or {})

    def assets(self) -> Sequence[AssetInfo]:
        dollar = dollar_at(self.book, self._now)
        return [
            self._asset(number, in_usd(price_at(self.book, number, self._now) or 0, dollar))
            for number, _ in listed(self.book)
        ]

    def _asset(self, number: int, price: int | None) -> AssetInfo:
        reserve: Reserve = self.book.get(("reserve", number))
        symbol = self.book.get(("symbol", reserve.asset)) or ""
        return AssetInfo(number, reserve.asset, symbol, reserve.decimals, price)

    def health(self, account: Address, frame: AaveV2Frame) -> Health:
        return health.health(Position.of(self.book, account), frame)

    def holdings(self, account: Address, frame: AaveV2Frame) -> Sequence[Holding]:
        held = []
        for number, side, scaled, enabled in self.book.legs(account):
            income, debt_index, _, _ = frame.numbers[number]
            amount = ray_mul(scaled, debt_index if side is Side.DEBT else income)
            held.append(self._holding(number, side, amount, frame, enabled=enabled))
        held += [
            self._holding(number, Side.DEBT, amount, frame, enabled=True)
            for number, amount in self.stable_debt(account, frame).items()
        ]
        return sorted(held, key=lambda holding: holding.asset.asset)

    def _holding(self, number: int, side: Side, amount: int, frame: AaveV2Frame, *, enabled: bool) -> Holding:
        asset = self._asset(number, frame.usd[number])
        value = None if asset.price is None else amount * asset.price // frame.numbers[number][3]
        return Holding(asset, side, amount, value, enabled)

    def stable_debt(self, account: Address, frame: AaveV2Frame) -> Mapping[int, int]:
        """What the account owes at stable rates, token units by reserve id."""
        return balances(Position.of(self.book, account).loans, frame)

    def screen(self, frame: AaveV2Frame) -> Floats:
        return frame.rules.screen(self.book, frame)

    def opportunities(self, account: Address, frame: AaveV2Frame) -> Sequence[Opportunity]:
        position = Position.of(self.book, account)
        found = []
        for debt in position.debts():
            for collateral in position.collaterals():
                pair = examine(position, debt, collateral, frame)
                if isinstance(pair, Refusal):
                    continue
                runs = ranges.accepted(pair)
                if runs:
                    owed, taken = (self._asset(number, frame.usd[number]) for number in (debt, collateral))
                    found.append(Opportunity(account, owed, taken, runs))
        return found

    def settle(
        self, opportunity: Opportunity, repay: int, frame: AaveV2Frame, *, receive_a_token: bool = False
    ) -> Settlement | Refusal:
        """What `liquidationCall` with debtToCover = `repay` does; an excess is capped as the pool caps it.

        Raises:
            Degraded: the oracle gives no price for an asset the account uses.
        """
        position = Position.of(self.book, opportunity.account)
        pair = examine(position, opportunity.debt.asset, opportunity.collateral.asset, frame)
        if isinstance(pair, Refusal):
            return pair
        outcome = liquidate(pair, repay, receive_a_token=receive_a_token)
        return outcome if isinstance(outcome, Refusal) else Settlement(outcome.repay, outcome.seize, 0)

    def after(
        self, opportunity: Opportunity, repay: int, frame: AaveV2Frame
    ) -> tuple["AaveV2Market", AaveV2Frame] | Refusal:
        """The market and the frame that repaying `repay` leaves for another liquidation in the same block."""
        position = Position.of(self.book, opportunity.account)
        pair = examine(position, opportunity.debt.asset, opportunity.collateral.asset, frame)
        outcome = pair if isinstance(pair, Refusal) else liquidate(pair, repay)
        if isinstance(outcome, Refusal):
            return outcome
        left = paid_out(frame, opportunity, outcome.repay, outcome.seize)
        return supposed(self, outcome.after), left

    def exhaust(self, account: Address, frame: AaveV2Frame) -> Exhaustion:
        return exhaust(Position.of(self.book, account), frame)

    def audit_accounts(self, accounts: Sequence[Address], frame: AaveV2Frame) -> Reads[list[Difference]]:
        return audit.audit_accounts(self.book, accounts, frame)

    def audit_reserves(self) -> Reads[list[Difference]]:
        return audit.audit_reserves(self.book)

    def heal(self, subject: Address) -> Reads[None]:
        if subject in {asset for _, asset in listed(self.book)}:
            return audit.heal_reserve(self.book, subject)
        return audit.heal_account(self.book, subject)

    def bad_debt(self) -> Mapping[Address, int]:
        """Nothing: v2 books no deficits, debt without collateral stays with the account."""
        return {}

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        del opportunity, request, settlement  # liquidationCall takes nothing beyond the pair and the amount
        return Instruction(Dialect.AAVE, self._pool)

    def pairs(self) -> None:
        """Any two assets may meet in an account."""

    def venues(self) -> frozenset[Address]:
        return frozenset({self._pool})

    def flash_sources(self) -> Sequence[FlashSource]:
        return (Lender(FlashKind.AAVE_V2, self._pool, self._cash(), self._premium),)

    def _premium(self, amount: int) -> int:
        premium: int = self.book.get(("premium",), 0)
        return amount * premium // BPS

    def _cash(self) -> Mapping[Address, int]:
        return {asset: self.book.get(("liquidity", number)) or 0 for number, asset in listed(self.book)}

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return liquidation_events(self._pool, logs)
