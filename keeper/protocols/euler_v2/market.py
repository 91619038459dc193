"""One Euler deployment: positions folded from logs, and every question about them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

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
from keeper.protocols.euler_v2 import audit, discover, heal, health, ranges, screen
from keeper.protocols.euler_v2.event import Event
from keeper.protocols.euler_v2.events import HANDLERS
from keeper.protocols.euler_v2.exhaust import exhaust
from keeper.protocols.euler_v2.frame import EulerFrame, asset_record
from keeper.protocols.euler_v2.instruct import instruct, venues
from keeper.protocols.euler_v2.liquidation import assess, liquidate
from keeper.protocols.euler_v2.math import assets_up, to_assets
from keeper.protocols.euler_v2.opening import probe
from keeper.protocols.euler_v2.outcomes import liquidation_events
from keeper.protocols.euler_v2.position import Position
from keeper.protocols.euler_v2.records import Role, Scale, Watched, deployment, ltvs, status, vault, vaults
from keeper.protocols.euler_v2.refresh import refresh
from keeper.protocols.trust import Trust
from keeper.types import Address, BlockRef, Log


class EulerV2Market(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    All vaults of a factory are one market: an account is an address (a sub-account counts for itself), and
    its section is the vault it owes to. Health is in that vault's unit of account, mostly USD with 18
    decimals: collateral weighted by its LTV, and liability, as accountLiquidity(account, true) tells them.
    All state is in the book; kept besides are facts about implementations, which never change.
    """

    name = "vaults"
    unit = "unit of account"
    screen_margin = screen.SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book) -> None:
        self.deployment = deployment
        self.book = book
        self._genuine: dict[Address, bool] = {}
        self._notices: list[str] = []
        self._now = 0

    def notices(self) -> list[str]:
        told, self._notices = self._notices, []
        return told

    def addresses(self) -> frozenset[Address]:
        return frozenset(self.book.get(("watched",), ()))

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        return discover.created(logs, deployment(self.book).factory) - self.addresses()

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        contracts = deployment(self.book)
        named = discover.implementations(logs, contracts.factory)
        unknown = [address for address in named if address not in self._genuine]
        self._genuine |= yield from probe(unknown, contracts.connector)

    def fold(self, log: Log, timestamp: int) -> None:
        self._now = timestamp
        watched: Watched | None = self.book.get(("role", log.address))
        if watched is None or not log.topics:
            return
        handler = HANDLERS[Role(watched.role)].get(log.topics[0])
        if handler:
            handler(self.book, Event(log, watched.vault, timestamp, self._genuine))

    def refresh(self, block: BlockRef) -> Reads[None]:
        self._now = block.timestamp
        self._notices += yield from refresh(self.deployment, self.book, self.frame(block.timestamp))

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> EulerFrame:
        del number  # interest counts in seconds
        return EulerFrame(self.book, timestamp, prices or {})

    def assets(self) -> Sequence[AssetInfo]:
        """One a vault in use: its number, and the token behind it."""
        numbers = range(len(vaults(self.book)))
        return [self._asset(number) for number in numbers if self._in_use(number)]

    def _in_use(self, number: int) -> bool:
        if not vault(self.book, number).asset:
            return False
        told = status(self.book, number)
        return bool(told.shares or told.borrows)

    def _asset(self, number: int) -> AssetInfo:
        token = vault(self.book, number).asset
        symbol, decimals = asset_record(self.book, token)
        return AssetInfo(number, token, symbol, decimals, self.book.get(("price", token)))

    def health(self, account: Address, frame: EulerFrame) -> Health:
        """Its details are the same in USD with 8 decimals, where the unit's price is known."""
        position = Position.of(self.book, account)
        judged = health.health(position, frame)
        rate = self._dollars(position.controller) if judged.debt else None
        if rate is None:
            return judged
        sides = {"collateral_usd": judged.collateral, "debt_usd": judged.debt}
        details = {name: value * rate.num // rate.den for name, value in sides.items()}
        return replace(judged, details=details)

    def _dollars(self, controller: int) -> Scale | None:
        found: Scale | None = self.book.get(("usd", vault(self.book, controller).unit))
        return found

    def holdings(self, account: Address, frame: EulerFrame) -> Sequence[Holding]:
        return [
            self._holding(Position.of(self.book, account), number, side, quantity, enabled, frame)
            for number, side, quantity, enabled in self.book.legs(account)
            if vault(self.book, number).asset
        ]

    def _holding(  # noqa: PLR0917 - a leg has that many parts
        self, position: Position, number: int, side: Side, quantity: int, enabled: bool, frame: EulerFrame
    ) -> Holding:
        if side is Side.DEBT:
            since = self.book.get(("since", number, position.account))
            owed = position._replace(controller=number, owed=quantity, since=since)
            amount = assets_up(health.exact_debt(owed, frame))
        else:
            amount = to_assets(frame.vault(number).status, quantity)
        info = self._asset(number)
        value = None if info.price is None else amount * info.price // 10**info.decimals
        return Holding(info, side, amount, value, enabled)

    def screen(self, frame: EulerFrame) -> Floats:
        return screen.screen(self.book, frame)

    def opportunities(self, account: Address, frame: EulerFrame) -> Sequence[Opportunity]:
        position = Position.of(self.book, account)
        found = []
        for number in sorted(position.enabled):
            bounds = assess(position, number, frame)
            runs = () if isinstance(bounds, Refusal) else ranges.accepted(bounds, frame)
            if runs:
                pair = self._asset(position.controller), self._asset(number)
                found.append(Opportunity(account, *pair, runs))
        return found

    def settle(
        self, opportunity: Opportunity, repay: int, frame: EulerFrame, *, liquidator: Address | None = None
    ) -> Settlement | Refusal:
        """What `liquidate` of `repay` does, and redeeming what it seizes; 2^256-1 is as much as possible.

        Raises:
            Degraded: the oracle gives no quote for what the account uses.
        """
        position = Position.of(self.book, opportunity.account)
        if position.controller != opportunity.debt.asset:
            return Refusal("E_NotController", "the account owes to another vault")
        bounds = assess(position, opportunity.collateral.asset, frame, liquidator)
        outcome = bounds if isinstance(bounds, Refusal) else liquidate(bounds, repay, frame)
        if isinstance(outcome, Refusal):
            return outcome
        bad_debt = {opportunity.debt.address: outcome.written_off} if outcome.written_off else {}
        return Settlement(outcome.repay, outcome.redeemed, 0, bad_debt)

    def exhaust(self, account: Address, frame: EulerFrame) -> Exhaustion:
        return exhaust(Position.of(self.book, account), frame)

    def audit_accounts(self, accounts: Sequence[Address], frame: EulerFrame) -> Reads[list[Difference]]:
        return audit.audit_accounts(self.book, accounts, frame)

    def audit_reserves(self) -> Reads[list[Difference]]:
        numbers = [info.asset for info in self.assets()]
        return audit.audit_vaults(self.book, numbers, self.frame(self._now))

    def heal(self, subject: Address) -> Reads[None]:
        numbers = [info.asset for info in self.assets() if info.address == subject]
        if numbers:
            return heal.heal_vaults(self.book, numbers, self._now)
        return heal.heal_account(self.book, subject, self.frame(self._now))

    def bad_debt(self) -> Mapping[Address, int]:
        """What vaults' depositors have lost so far: written off as soon as it is found."""
        lost: dict[Address, int] = {}
        for info in self.assets():
            if amount := self.book.get(("socialized", info.asset), 0):
                lost[info.address] = lost.get(info.address, 0) + amount
        return lost

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        del request  # the amount is the executor's own argument
        return instruct(self.book, opportunity, settlement, self.frame(self._now))

    def pairs(self) -> frozenset[tuple[Address, Address]]:
        """Tokens behind each vault that is owed to and the vaults that it recognises as collateral."""
        owed = [info for info in self.assets() if status(self.book, info.asset).borrows]
        return frozenset(
            (vault(self.book, number).asset, info.address)
            for info in owed
            for number in ltvs(self.book, info.asset)
            if self._in_use(number)
        )

    def venues(self) -> frozenset[Address]:
        return venues(self.book)

    def flash_sources(self) -> Sequence[FlashSource]:
        return ()

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return liquidation_events(self.book, logs, self.frame(self._now))
