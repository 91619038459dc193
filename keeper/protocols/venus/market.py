"""One comptroller: positions folded from logs, and every question about them."""

from collections.abc import Iterable, Mapping, Sequence

from eth_abi.abi import encode

from keeper.protocols.base import (
    AssetInfo,
    Book,
    Dialect,
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
)
from keeper.protocols.trust import Trust
from keeper.protocols.venus import audit, discover, frame, heal, liquidity, outcomes, refresh, screen
from keeper.protocols.venus.event import Event
from keeper.protocols.venus.events import ANNOUNCEMENTS, HANDLERS
from keeper.protocols.venus.exhaust import exhaust
from keeper.protocols.venus.frame import VenusFrame, address_of
from keeper.protocols.venus.liquidation import liquidate
from keeper.protocols.venus.pace import Pace
from keeper.protocols.venus.pair import examine
from keeper.protocols.venus.position import Position
from keeper.protocols.venus.ranges import accepted, clear
from keeper.protocols.venus.records import Watched, deployment, facts_of, vtokens
from keeper.protocols.venus.rules import Rules
from keeper.protocols.venus.vai import heal_vai
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Log


class VenusMarket(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    All state is in the book, so undoing the book undoes the market. Kept besides are only the head, and the
    pace of the chain, from which block numbers are estimated that nobody names.
    """

    name = "core"
    unit = "USD"
    screen_margin = screen.SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book, rules: Rules) -> None:
        self.deployment = deployment
        self.book = book
        self.rules = rules
        self._pace = Pace()
        self._head: BlockRef | None = None

    def notices(self) -> list[str]:
        return []

    def addresses(self) -> frozenset[Address]:
        return frozenset(self.book.get(("watched",), ()))

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        return discover.discovered(logs, self.addresses())

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        del logs  # every event can be folded by itself
        yield from ()

    def fold(self, log: Log, timestamp: int) -> None:
        self._pace.see(log.block, timestamp)
        if not log.topics:
            return
        watched: Watched | None = self.book.get(("role", log.address))
        handlers = ANNOUNCEMENTS if watched is None else HANDLERS[watched.role]
        handler = handlers.get(log.topics[0])
        if handler:
            handler(self.book, Event(log, watched.number if watched else -1, timestamp))

    def refresh(self, block: BlockRef) -> Reads[None]:
        self._pace.see(block.number, block.timestamp)
        self._head = block
        yield from refresh.refresh(self.deployment, self.book, block)

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> VenusFrame:
        if number is None:
            number = self._pace.number_at(timestamp)
        return frame.build(self.book, self.rules, timestamp, number, prices or {})

    def assets(self) -> Sequence[AssetInfo]:
        known = range(len(vtokens(self.book)))
        return [self._asset(number) for number in known if facts_of(self.book, number)]

    def _asset(self, number: int) -> AssetInfo:
        facts = facts_of(self.book, number) or frame.UNKNOWN
        price = frame.usd(self.book.get(("price", number)) or 0, facts.decimals)
        name = address_of(facts, vtokens(self.book)[number])
        return AssetInfo(number, name, facts.symbol, facts.decimals, price)

    def health(self, account: Address, frame: VenusFrame) -> Health:
        return liquidity.health(Position.of(self.book, account), frame)

    def holdings(self, account: Address, frame: VenusFrame) -> Sequence[Holding]:
        position = Position.of(self.book, account)
        return [
            liquidity.holding(self._asset(number), position, side, frame)
            for number, side, _, _ in self.book.legs(account)
        ]

    def screen(self, frame: VenusFrame) -> Floats:
        return screen.screen(self.book, frame)

    def opportunities(self, account: Address, frame: VenusFrame) -> Sequence[Opportunity]:
        position, soon = Position.of(self.book, account), self._before(frame)
        found = []
        for debt in sorted(position.loans):
            for collateral in sorted(position.tokens):
                pair = examine(position, debt, collateral, frame)
                runs = () if isinstance(pair, Refusal) else accepted(pair)
                if runs and soon is not None:
                    runs = clear(runs, examine(position, debt, collateral, soon))
                if runs:
                    found.append(Opportunity(account, self._asset(debt), self._asset(collateral), runs))
        return found

    def _before(self, projected: VenusFrame) -> VenusFrame | None:
        """The head as a frame, for one that lies ahead of it."""
        head = self._head
        if head is None or projected.number <= head.number:
            return None
        return frame.build(self.book, self.rules, head.timestamp, head.number, projected.prices)

    def settle(
        self,
        opportunity: Opportunity,
        repay: int,
        frame: VenusFrame,
        *,
        liquidator: Address | None = None,
    ) -> Settlement | Refusal:
        """What liquidateBorrow and the redemption after it do; too high a `repay` is refused, never capped.

        `seize` is in the underlying, as the liquidator holds it after redeeming; `protocol_fee` is the rest
        of what was taken: the protocol's share, and Venus' fee of a redemption.
        """
        position = Position.of(self.book, opportunity.account)
        pair = examine(position, opportunity.debt.asset, opportunity.collateral.asset, frame, liquidator)
        outcome = pair if isinstance(pair, Refusal) else liquidate(pair, repay, liquidator)
        if isinstance(outcome, Refusal):
            return outcome
        return Settlement(outcome.repay, outcome.seize, max(outcome.gross - outcome.seize, 0))

    def exhaust(self, account: Address, frame: VenusFrame) -> Exhaustion:
        return exhaust(Position.of(self.book, account), frame)

    def audit_accounts(self, accounts: Sequence[Address], frame: VenusFrame) -> Reads[list[Difference]]:
        return audit.audit_accounts(self.book, accounts, frame)

    def audit_reserves(self) -> Reads[list[Difference]]:
        return audit.audit_markets(self.book)

    def heal(self, subject: Address) -> Reads[None]:
        numbers = [info.asset for info in self.assets() if info.address == subject]
        if not numbers:
            yield from heal.heal_account(self.book, subject)
            yield from heal_vai(self.book, subject)
        for number in numbers:
            yield from heal.heal_market(self.book, number)
        if numbers:
            yield from heal.heal_comptroller(self.book)

    def bad_debt(self) -> Mapping[Address, int]:
        return {}  # the protocol books none: debt without collateral stays with the account

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        del request, settlement  # liquidateBorrow takes nothing beyond the pair and the amount
        addresses, liquidator = vtokens(self.book), deployment(self.book).liquidator
        debt, collateral = addresses[opportunity.debt.asset], addresses[opportunity.collateral.asset]
        venue = debt if liquidator == ZERO_ADDRESS else liquidator
        return Instruction(Dialect.COMPOUND, venue, encode(["address", "address"], [debt, collateral]))

    def pairs(self) -> None:
        """Any two assets may meet in an account."""

    def venues(self) -> frozenset[Address]:
        liquidator = deployment(self.book).liquidator
        return frozenset(vtokens(self.book) if liquidator == ZERO_ADDRESS else (liquidator,))

    def flash_sources(self) -> Sequence[FlashSource]:
        return ()  # Venus lends flash loans only to whom it knows, Compound v2 to nobody

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return outcomes.liquidation_events(self.book, logs)
