"""One Morpho Blue deployment: all its markets folded from logs, and every question about them."""

from collections.abc import Iterable, Mapping, Sequence

from keeper.protocols.base import (
    AssetInfo,
    Book,
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
from keeper.protocols.decode import topic, topic_address, word_address
from keeper.protocols.flash import Lender
from keeper.protocols.morpho_blue import assets, audit, outcomes, planning, position, refresh, screen
from keeper.protocols.morpho_blue.events import CREATE_MARKET, ENABLE_IRM, HANDLERS
from keeper.protocols.morpho_blue.frame import MorphoFrame
from keeper.protocols.morpho_blue.records import markets, morpho, totals
from keeper.protocols.morpho_blue.rules import Settings
from keeper.protocols.trust import Trust
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Log

_CREATE_MARKET, _ENABLE_IRM = topic(CREATE_MARKET), topic(ENABLE_IRM)


class MorphoBlueMarket(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    All state is in the book, so undoing the book undoes the market. An account's key is `address:id`, its
    section the market's id. Kept besides: what the operator was told, and the time of the last head.
    """

    name = "morpho"
    unit = "loan token"
    screen_margin = screen.SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book, settings: Settings) -> None:
        self.deployment = deployment
        self.book = book
        self._settings = settings
        self._told: set[tuple[int, str]] = set()
        self._now = 0

    def notices(self) -> list[str]:
        """Markets with borrowers that were set aside, each reason once; unwanted ones need no words."""
        aside = {int(key[1]): why for key, why in self.book.items("set_aside")}
        fresh = {
            (number, why)
            for number, why in aside.items()
            if why and why != refresh.UNWANTED and (number, why) not in self._told
        }
        self._told |= fresh
        return [
            f"market {self.book.get(('market', number)).id} is set aside: {why}"
            for number, why in sorted(fresh)
        ]

    def addresses(self) -> frozenset[Address]:
        return frozenset(self.book.get(("watched",), ()))

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        """Rate models that Morpho's owner enables or a market uses."""
        contract = morpho(self.book)
        found = set()
        for log in logs:
            if log.address == contract and log.topics[:1] == (_ENABLE_IRM,):
                found.add(topic_address(log, 1))
            elif log.address == contract and log.topics[:1] == (_CREATE_MARKET,):
                found.add(word_address(log, 3))
        return frozenset(found - {ZERO_ADDRESS}) - self.addresses()

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        del logs  # each says all there is to know
        yield from ()

    def fold(self, log: Log, timestamp: int) -> None:
        self._now = timestamp
        role: int | None = self.book.get(("role", log.address))
        handler = HANDLERS[role].get(log.topics[0]) if role is not None and log.topics else None
        if handler:
            handler(self.book, log, timestamp)

    def refresh(self, block: BlockRef) -> Reads[None]:
        self._now = block.timestamp
        return refresh.refresh(self.book, self._settings, block)

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> MorphoFrame:
        del number  # interest counts in seconds
        return MorphoFrame(timestamp, self.book, prices or {})

    def assets(self) -> Sequence[AssetInfo]:
        return assets.assets(self.book)

    def health(self, account: Address, frame: MorphoFrame) -> Health:
        return position.health(self.book, account, frame)

    def holdings(self, account: Address, frame: MorphoFrame) -> Sequence[Holding]:
        return assets.holdings(self.book, account, frame)

    def screen(self, frame: MorphoFrame) -> Floats:
        return screen.screen(self.book, frame)

    def opportunities(self, account: Address, frame: MorphoFrame) -> Sequence[Opportunity]:
        return planning.opportunities(self.book, account, frame)

    def settle(self, opportunity: Opportunity, repay: int, frame: MorphoFrame) -> Settlement | Refusal:
        return planning.settle(self.book, opportunity, repay, frame)

    def exhaust(self, account: Address, frame: MorphoFrame) -> Exhaustion:
        return planning.exhaust(self.book, account, frame)

    def audit_accounts(self, accounts: Sequence[Address], frame: MorphoFrame) -> Reads[list[Difference]]:
        del frame  # what is compared is stored, not concluded
        return audit.audit_accounts(self.book, accounts)

    def audit_reserves(self) -> Reads[list[Difference]]:
        return audit.audit_markets(self.book, self._now)

    def heal(self, subject: Address) -> Reads[None]:
        return audit.heal(self.book, subject)

    def bad_debt(self) -> Mapping[Address, int]:
        """What suppliers lost to liquidations so far; Morpho keeps no deficit."""
        return {Address(str(key[1])): amount for key, amount in self.book.items("bad_debt") if amount}

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        return planning.instruction(self.book, opportunity, request, settlement)

    def pairs(self) -> frozenset[tuple[Address, Address]]:
        """Those of the markets in which somebody owes something."""
        owing = (terms for number, terms in markets(self.book) if totals(self.book, number).borrow_shares)
        return frozenset((terms.collateral, terms.loan) for terms in owing)

    def venues(self) -> frozenset[Address]:
        contracts = [Address(str(key[1])) for key, _ in self.book.items("pre")]
        return frozenset({morpho(self.book), *contracts})

    def flash_sources(self) -> Sequence[FlashSource]:
        """Morpho lends everything it holds, of all markets together and for nothing."""
        return (Lender(FlashKind.MORPHO, morpho(self.book), self._cash()),)

    def _cash(self) -> Mapping[Address, int]:
        cash: dict[Address, int] = {}
        for number, terms in markets(self.book):
            stored = totals(self.book, number)
            idle = max(stored.supply_assets - stored.borrow_assets, 0)
            for token, amount in (
                (terms.loan, idle),
                (terms.collateral, self.book.get(("collateral", number), 0)),
            ):
                if amount:
                    cash[token] = cash.get(token, 0) + amount
        return cash

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return outcomes.liquidation_events(self.book, logs)
