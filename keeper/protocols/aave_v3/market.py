"""One Aave v3 deployment: positions folded from logs, and every question about them."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.aave_v3 import audit, discover, frame, health, ranges, refresh, screen
from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.events import ANNOUNCEMENTS, HANDLERS
from keeper.protocols.aave_v3.exhaust import exhaust
from keeper.protocols.aave_v3.fold_oracle import price_at
from keeper.protocols.aave_v3.fold_pool import liquidation_events
from keeper.protocols.aave_v3.implementations import Implementation, named, probe
from keeper.protocols.aave_v3.liquidation import liquidate
from keeper.protocols.aave_v3.loans import balance, balances
from keeper.protocols.aave_v3.model import AaveFrame, Rules
from keeper.protocols.aave_v3.pair import Examiner
from keeper.protocols.aave_v3.position import AccountData, Position
from keeper.protocols.aave_v3.reading import read_accounts
from keeper.protocols.aave_v3.records import Reserve, Token, Watched, deployment, listed
from keeper.protocols.aave_v3.releases import rules_of
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
)
from keeper.protocols.flash import Lender
from keeper.protocols.oracles.checks import PriceChecks
from keeper.protocols.scaled import Factors
from keeper.protocols.trust import Trust
from keeper.types import Address, BlockRef, Log, checksum


class AaveV3Market(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    All state is in the book, so undoing the book undoes the market. `price_checks` tells where prices
    derived from logs were not the oracle's; the time that assets' prices are given at is the last one seen.
    Kept besides are facts about implementations, which never change, what was read of accounts where the
    pool's release is not known, and the pairs examined last.
    """

    name = "pool"
    unit = "USD"
    screen_margin = screen.SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book) -> None:
        self.deployment = deployment
        self.book = book
        self._implementations: dict[Address, Implementation] = {}
        self._read: dict[Address, AccountData] = {}
        self._examine = Examiner()
        self.price_checks = PriceChecks()
        self._now = 0

    @property
    def rules(self) -> Rules:
        """Those of the release that the pool runs where the book stands."""
        return rules_of(self.book)

    def notices(self) -> list[str]:
        return [
            f"derived price {found.derived} of {checksum(found.asset)} was {found.read} at the oracle; "
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
        self._implementations |= yield from probe(named(logs, self._implementations))

    def fold(self, log: Log, timestamp: int) -> None:
        self._now = timestamp
        topics = log.topics
        if not topics:
            return
        book = self.book
        watched: Watched | None = book.get(("role", log.address))
        if watched is None:
            handler, reserve = ANNOUNCEMENTS.get(topics[0]), -1
        else:
            role, reserve = watched
            handler = HANDLERS[role].get(topics[0])
        if handler:
            handler(book, Event(log, reserve, timestamp, self._implementations))

    def refresh(self, block: BlockRef) -> Reads[None]:
        self._now = block.timestamp
        yield from refresh.refresh(self.deployment, self.book, self.price_checks, block)
        if not self.rules.computed:
            self._read = yield from read_accounts(self.book, self._read)

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> AaveFrame:
        del number  # interest counts in seconds
        return frame.build(self.book, self.rules, timestamp, prices or {}, self._read)

    def assets(self) -> Sequence[AssetInfo]:
        return [self._asset(number) for number, _ in listed(self.book)]

    def _asset(self, number: int) -> AssetInfo:
        reserve: Reserve = self.book.get(("reserve", number))
        symbol = self.book.get(("symbol", reserve.asset))
        if not symbol:
            token: Token = self.book.get(("token", reserve.a_token))
            symbol = token.symbol
        price = price_at(self.book, number, self._now)
        return AssetInfo(number, reserve.asset, symbol, reserve.decimals, price)

    def health(self, account: Address, frame: AaveFrame) -> Health:
        return health.health(Position.of(self.book, account), frame)

    def holdings(self, account: Address, frame: AaveFrame) -> Sequence[Holding]:
        position = Position.of(self.book, account)
        held = [health.holding(self._asset(leg[0]), leg, frame) for leg in position.legs]
        held += [
            health.owing(self._asset(loan.reserve), balance(loan, frame), frame) for loan in position.loans
        ]
        return sorted(held, key=lambda holding: holding.asset.asset)

    def stable_debt(self, account: Address, frame: AaveFrame) -> Mapping[int, int]:
        """What the account owes at stable rates (v3.0 and v3.1), token units by reserve id."""
        return balances(Position.of(self.book, account).loans, frame)

    def screen(self, frame: AaveFrame) -> Floats:
        return frame.rules.screen(self.book, frame)

    def screen_of(self, rows: NDArray[np.intp], frame: AaveFrame) -> Floats:
        return screen.screen_of(self.book, rows, frame)

    def factors(self, frame: AaveFrame) -> Factors | None:
        return screen.factors(self.book, frame)

    def opportunities(self, account: Address, frame: AaveFrame) -> Sequence[Opportunity]:
        position = Position.of(self.book, account)
        debts, collaterals = position.debts(), position.collaterals()
        infos = {number: self._asset(number) for number in {*debts, *collaterals}}
        found = []
        for debt in debts:
            for collateral in collaterals:
                pair = self._examine(position, debt, collateral, frame)
                if isinstance(pair, Refusal):
                    continue
                runs = ranges.accepted(pair)
                if runs:
                    found.append(Opportunity(account, infos[debt], infos[collateral], runs))
        return found

    def settle(
        self,
        opportunity: Opportunity,
        repay: int,
        frame: AaveFrame,
        *,
        liquidator: Address | None = None,
        receive_a_token: bool = False,
    ) -> Settlement | Refusal:
        """What `liquidationCall` with debtToCover = `repay` does; an excess is capped as the pool caps it.

        Raises:
            Degraded: the oracle gives no price for an asset the account uses.
        """
        if liquidator == opportunity.account and not frame.rules.self_liquidation:
            return Refusal("SelfLiquidation", "an account cannot liquidate itself")
        position = Position.of(self.book, opportunity.account)
        pair = self._examine(position, opportunity.debt.asset, opportunity.collateral.asset, frame)
        if isinstance(pair, Refusal):
            return pair
        outcome = liquidate(pair, repay, receive_a_token=receive_a_token)
        if isinstance(outcome, Refusal):
            return outcome
        reserves = [self.book.get(("reserve", number)) for number in outcome.bad_debt]
        bad_debt = {reserve.asset: outcome.bad_debt[reserve.id] for reserve in reserves}
        return Settlement(outcome.repay, outcome.seize, outcome.fee, bad_debt)

    def after(
        self, opportunity: Opportunity, repay: int, frame: AaveFrame
    ) -> tuple["AaveV3Market", AaveFrame] | Refusal:
        """The market and the frame that repaying `repay` leaves for another liquidation in the same block."""
        position = Position.of(self.book, opportunity.account)
        pair = self._examine(position, opportunity.debt.asset, opportunity.collateral.asset, frame)
        outcome = pair if isinstance(pair, Refusal) else liquidate(pair, repay)
        if isinstance(outcome, Refusal):
            return outcome
        left = paid_out(frame, opportunity, outcome.repay, outcome.seize)
        return supposed(self, outcome.after), left

    def exhaust(self, account: Address, frame: AaveFrame) -> Exhaustion:
        return exhaust(Position.of(self.book, account), frame)

    def audit_accounts(self, accounts: Sequence[Address], frame: AaveFrame) -> Reads[list[Difference]]:
        return audit.audit_accounts(self.book, accounts, frame)

    def audit_reserves(self) -> Reads[list[Difference]]:
        return audit.audit_reserves(self.book)

    def heal(self, subject: Address) -> Reads[None]:
        if subject in {info.address for info in self.assets()}:
            return audit.heal_reserve(self.book, subject)
        return audit.heal_account(self.book, subject)

    def bad_debt(self) -> Mapping[Address, int]:
        deficits = {asset: self.book.get(("deficit", number), 0) for number, asset in listed(self.book)}
        return {asset: deficit for asset, deficit in deficits.items() if deficit}

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        del opportunity, request, settlement  # liquidationCall takes nothing beyond the pair and the amount
        return Instruction(Dialect.AAVE, self._pool)

    def pairs(self) -> None:
        """Any two assets may meet in an account."""

    def venues(self) -> frozenset[Address]:
        return frozenset({self._pool})

    def flash_sources(self) -> Sequence[FlashSource]:
        fee, premium = self.rules.flash_premium, self.book.get(("premium",), 0)
        return (Lender(FlashKind.AAVE, self._pool, self._cash(), lambda amount: fee(amount, premium)),)

    def _cash(self) -> Mapping[Address, int]:
        cash = {}
        for number, asset in listed(self.book):
            configuration = Configuration.of(self.book.get(("configuration", number)))
            if configuration.active and configuration.flash_loans and not configuration.paused:
                cash[asset] = self.book.get(("liquidity", number)) or 0
        return cash

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return liquidation_events(self._pool, logs)
