"""One spoke of Aave v4: positions folded from its logs and its hubs', and every question about them."""

from collections.abc import Iterable, Mapping, Sequence

from eth_abi.abi import encode

from keeper.protocols.aave_v4 import audit, discover, frame, health, ranges, refresh, screen
from keeper.protocols.aave_v4.event import Event
from keeper.protocols.aave_v4.events import HANDLERS
from keeper.protocols.aave_v4.exhaust import exhaust
from keeper.protocols.aave_v4.fold_users import liquidation_events
from keeper.protocols.aave_v4.frame import SpokeFrame
from keeper.protocols.aave_v4.heal import heal
from keeper.protocols.aave_v4.implementations import KNOWN, Implementation, named, probe
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.math import from_ray_up
from keeper.protocols.aave_v4.pair import Pair, examine
from keeper.protocols.aave_v4.position import Position
from keeper.protocols.aave_v4.records import Asset, Reserve, deployment, listed, price_of
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
from keeper.types import Address, BlockRef, Log, checksum


class AaveV4Market(Trust):
    """Implements `keeper.protocols.base.Market`; see there for the meaning of each method.

    All state is in the book, so undoing the book undoes the market; kept besides are facts about
    implementations, which never change. Assets go by reserve id: two reserves may have the same underlying.
    """

    name = "spoke"
    unit = "USD"
    screen_margin = screen.SCREEN_MARGIN

    def __init__(self, deployment: str, book: Book) -> None:
        self.deployment = deployment
        self.book = book
        self._implementations: dict[Address, Implementation] = {}

    @property
    def doubt(self) -> str | None:
        """As in Trust; also where a contract is of an unknown revision."""
        return super().doubt or self._unknown()

    def _unknown(self) -> str | None:
        for address in sorted(self.addresses()):
            revision = self.book.get(("revision", address), KNOWN)
            if revision != KNOWN:
                shown = f"revision {revision}" if revision >= 0 else "a revision it does not tell"
                return f"{checksum(address)} is of {shown}, this keeper knows revision {KNOWN}"
        return None

    def notices(self) -> list[str]:
        return []

    def addresses(self) -> frozenset[Address]:
        return frozenset(self.book.get(("watched",), ()))

    def discovered(self, logs: Iterable[Log]) -> frozenset[Address]:
        return discover.discovered(logs, deployment(self.book).spoke, self.addresses())

    def prepare(self, logs: Iterable[Log]) -> Reads[None]:
        logs = list(logs)
        proxies = self.addresses() | self.discovered(logs)
        self._implementations |= yield from probe(named(logs, proxies, self._implementations))

    def fold(self, log: Log, timestamp: int) -> None:
        role: int | None = self.book.get(("role", log.address))
        handler = HANDLERS[role].get(log.topics[0]) if role is not None and log.topics else None
        if handler:
            handler(self.book, Event(log, timestamp, self._implementations))

    def refresh(self, block: BlockRef) -> Reads[None]:
        return refresh.refresh(self.deployment, self.book, block)

    def frame(
        self, timestamp: int, prices: Mapping[Address, int] | None = None, *, number: int | None = None
    ) -> SpokeFrame:
        del number  # interest counts in seconds
        return frame.build(self.book, timestamp, prices or {})

    def assets(self) -> Sequence[AssetInfo]:
        return [self._asset(reserve, asset) for reserve, asset, _ in listed(self.book)]

    def _asset(self, reserve: Reserve, asset: Asset) -> AssetInfo:
        return AssetInfo(
            reserve.id,
            asset.underlying,
            self.book.get(("symbol", asset.underlying)) or "",
            asset.decimals,
            price_of(self.book, reserve.id),
        )

    def position(self, account: Address, frame: SpokeFrame) -> Position:
        """The account as the book has it.

        Raises:
            Degraded: the oracle gives no price for a reserve the account uses; the spoke reverts too.
        """
        position = Position.of(self.book, account)
        health.check_prices(self.book, position, frame)
        return position

    def health(self, account: Address, frame: SpokeFrame) -> Health:
        return health.health(self.position(account, frame), frame)

    def holdings(self, account: Address, frame: SpokeFrame) -> Sequence[Holding]:
        infos = {info.asset: info for info in self.assets()}
        position = Position.of(self.book, account)
        return [
            holding
            for leg in position.legs
            if leg.reserve in infos
            for holding in health.holdings(infos[leg.reserve], leg, frame)
        ]

    def screen(self, frame: SpokeFrame) -> Floats:
        return screen.screen(self.book, frame)

    def opportunities(self, account: Address, frame: SpokeFrame) -> Sequence[Opportunity]:
        position = self.position(account, frame)
        infos = {info.asset: info for info in self.assets()}
        found = []
        for debt in position.debts():
            for collateral in position.collaterals():
                pair = examine(position, debt, collateral, frame)
                runs = () if isinstance(pair, Refusal) else ranges.accepted(pair)
                if runs:
                    found.append(Opportunity(account, infos[debt], infos[collateral], runs))
        return found

    def settle(self, opportunity: Opportunity, repay: int, frame: SpokeFrame) -> Settlement | Refusal:
        """What `liquidationCall` with debtToCover = `repay` does; an excess is capped as the spoke caps it.

        Raises:
            Degraded: the oracle gives no price for a reserve the account uses.
        """
        pair = self.pair(opportunity, frame)
        outcome = pair if isinstance(pair, Refusal) else liquidate(pair, repay)
        return outcome if isinstance(outcome, Refusal) else settlement(outcome, frame)

    def pair(self, opportunity: Opportunity, frame: SpokeFrame) -> Pair | Refusal:
        """The opportunity's two reserves, examined.

        Raises:
            Degraded: the oracle gives no price for a reserve the account uses.
        """
        position = self.position(opportunity.account, frame)
        return examine(position, opportunity.debt.asset, opportunity.collateral.asset, frame)

    def exhaust(self, account: Address, frame: SpokeFrame) -> Exhaustion:
        return exhaust(self.position(account, frame), frame)

    def audit_accounts(self, accounts: Sequence[Address], frame: SpokeFrame) -> Reads[list[Difference]]:
        return audit.audit_accounts(self.book, accounts, frame)

    def audit_reserves(self) -> Reads[list[Difference]]:
        return audit.audit_reserves(self.book)

    def heal(self, subject: Address) -> Reads[None]:
        return heal(self.book, subject)

    def bad_debt(self) -> Mapping[Address, int]:
        """What this spoke has reported to its hubs and nobody has covered yet."""
        found: dict[Address, int] = {}
        for _, asset, line in listed(self.book):
            if line.deficit:
                found[asset.underlying] = found.get(asset.underlying, 0) + from_ray_up(line.deficit)
        return found

    def instruction(self, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
        del request, settlement  # liquidationCall takes nothing beyond the reserves and the amount
        reserves = (opportunity.collateral.asset, opportunity.debt.asset)
        return Instruction(
            Dialect.AAVE_V4, deployment(self.book).spoke, encode(["uint256", "uint256"], reserves)
        )

    def pairs(self) -> None:
        """Any two assets may meet in an account."""

    def venues(self) -> frozenset[Address]:
        return frozenset({deployment(self.book).spoke})

    def flash_sources(self) -> Sequence[FlashSource]:
        return ()  # neither spokes nor hubs lend within a transaction

    def liquidation_events(self, logs: Iterable[Log]) -> list[LiquidationEvent]:
        return liquidation_events(self.book, deployment(self.book).spoke, logs)


def settlement(outcome: Outcome, frame: SpokeFrame) -> Settlement:
    """An outcome as the planner sees it, in token units."""
    bad_debt: dict[Address, int] = {}
    for number, deficit in outcome.deficits.items():
        asset = frame.reserve(number).asset.underlying
        bad_debt[asset] = bad_debt.get(asset, 0) + deficit.amount
    return Settlement(outcome.repay, outcome.seize, outcome.removed - outcome.seize, bad_debt)
