"""One comet: positions folded from logs and reads, and every question about them."""

from collections.abc import Iterable, Mapping, Sequence

from keeper.protocols.base import (
    AssetInfo,
    Book,
    Difference,
    Exhaustion,
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
from keeper.protocols.comet import audit, dollars, frame, health, liquidation, records, screen
from keeper.protocols.comet.events import HANDLERS
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.poll import Rota
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.records import BASE
from keeper.protocols.comet.refresh import refresh
from keeper.protocols.trust import Trust
from keeper.types import Address, BlockRef, Log


class CometMarket(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    All state is in the book, so undoing the book undoes the market. Kept besides are the time of the last
    head and where the round through accounts whose principal is read stands (`poll`).

    Comet sells collateral in reserves to anybody. While it does, the comet's own address is an account
    that can be liquidated: without debt, and without anything to absorb.
    """

    name = "comet"
    screen_margin = screen.SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book, usd_oracle: Address | None = None) -> None:
        self.deployment = deployment
        self.book = book
        self._usd_oracle = usd_oracle
        self.unit: str = book.get(("unit",), "USD")
        self._rota = Rota()
        self._now = 0

    def notices(self) -> list[str]:
        return []

    def addresses(self) -> frozenset[Address]:
        return frozenset({records.comet(self.book)})

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        del logs  # a comet is one contract
        return frozenset()

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        del logs  # every log explains itself
        yield from ()

    def fold(self, log: Log, timestamp: int) -> None:
        self._now = timestamp
        if log.address != records.comet(self.book) or not log.topics:
            return
        handler = HANDLERS[records.Role.COMET].get(log.topics[0])
        if handler:
            handler(self.book, log, timestamp)

    def refresh(self, block: BlockRef) -> Reads[None]:
        self._now = block.timestamp
        self._rota = yield from refresh(self.deployment, self.book, self._rota)
        self.unit = self.book.get(("unit",), "USD")
        yield from dollars.read_dollars(self.book, self._usd_oracle)

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> CometFrame:
        """See `Market`. Prices in USD are refused where the feeds quote in what has no price in USD.

        Raises:
            Degraded: they are, or the comet was not read yet.
        """
        del number  # interest counts in seconds
        return frame.build(self.book, timestamp, prices or {})

    def assets(self) -> Sequence[AssetInfo]:
        return [self._asset(number) for number in (BASE, *records.order(self.book))]

    def _asset(self, number: int) -> AssetInfo:
        book = self.book
        scale = book.get(("collateral", number)).scale if number else records.terms(book).scale
        answer, rate = book.get(("price", number)), dollars.rate_of(book)
        price = rate.in_usd(answer) if answer is not None and rate is not None else None
        decimals = len(str(scale)) - 1
        return AssetInfo(
            number, records.asset(book, number), book.get(("symbol", number), ""), decimals, price
        )

    def health(self, account: Address, frame: CometFrame) -> Health:
        return health.health(Position.of(self.book, account), frame)

    def holdings(self, account: Address, frame: CometFrame) -> Sequence[Holding]:
        """See `Market`. The comet's own account holds the collateral in reserves."""
        listed = {BASE, *records.order(self.book)}
        legs = [leg for leg in self.book.legs(account) if leg[0] in listed]
        if account == frame.comet:
            legs = [(each.number, Side.COLLATERAL, each.stock, True) for each in frame.assets if each.stock]
        return [health.holding(self._asset(leg[0]), leg, frame) for leg in legs]

    def screen(self, frame: CometFrame) -> Floats:
        return screen.screen(self.book, frame)

    def opportunities(self, account: Address, frame: CometFrame) -> Sequence[Opportunity]:
        debt = self._asset(BASE)
        return [
            Opportunity(account, debt, self._asset(sale.number), sale.ranges)
            for sale in liquidation.sales(Position.of(self.book, account), frame)
        ]

    def settle(self, opportunity: Opportunity, repay: int, frame: CometFrame) -> Settlement | Refusal:
        """What absorbing the account and spending `repay` on the collateral does; nothing is capped."""
        position = Position.of(self.book, opportunity.account)
        return liquidation.settle(position, opportunity.collateral.asset, repay, frame, self._base)

    @property
    def _base(self) -> Address:
        return records.asset(self.book, BASE)

    def exhaust(self, account: Address, frame: CometFrame) -> Exhaustion:
        return liquidation.exhaust(Position.of(self.book, account), frame, self._base)

    def audit_accounts(self, accounts: Sequence[Address], frame: CometFrame) -> Reads[list[Difference]]:
        return audit.audit_accounts(self.book, accounts, frame)

    def audit_reserves(self) -> Reads[list[Difference]]:
        return audit.audit_reserves(self.book, self._now)

    def heal(self, subject: Address) -> Reads[None]:
        if subject in {info.address for info in self.assets()}:
            return audit.heal_asset(self.book, subject)
        return audit.heal_account(self.book, subject)

    def bad_debt(self) -> Mapping[Address, int]:
        """Base tokens by which reserves fell below zero, less what the collateral in reserves is worth."""
        missing = liquidation.deficit(self.frame(self._now)) if self.book.get(("totals",)) else 0
        return {self._base: missing} if missing else {}

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        return liquidation.instruction(records.comet(self.book), opportunity.account, request, settlement)

    def pairs(self) -> None:
        """Any two assets may meet in an account."""

    def venues(self) -> frozenset[Address]:
        return frozenset({records.comet(self.book)})

    def flash_sources(self) -> Sequence[FlashSource]:
        return ()

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return liquidation.liquidation_events(records.comet(self.book), self._base, logs)
