"""Builds Morpho Blue deployments for tests the way a chain does: by the logs the contracts would emit.

`Reference` restates what reference/other-protocols.md says of liquidations, with fractions instead of the
keeper's mul-div, so that the two can be held against each other.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.index.book import ColumnarBook
from keeper.protocols.morpho_blue.events import CREATE_MARKET, CREATE_PRE_LIQUIDATION
from keeper.protocols.morpho_blue.market import MorphoBlueMarket
from keeper.protocols.morpho_blue.opening import start
from keeper.protocols.morpho_blue.records import account_key
from keeper.protocols.morpho_blue.rules import Rules, Settings
from keeper.types import WAD, ZERO_ADDRESS, Address, BlockRef, Hash
from tests.aave_v3_world import Answers, Value, address, make_log

START = 1_750_000_000
MORPHO, FACTORY, CURVE, USD_ORACLE, RECIPIENT = (address(0xB0 + number) for number in range(5))
LOAN, COLLATERAL, ORACLE, PRE_ORACLE, PRE = (address(0xC0 + number) for number in range(5))
ALICE, BOB, KEEPER = address(0xA11CE), address(0xB0B), address(0xCEE)
PRICE = 10**36
LLTV = 86 * WAD // 100

BORROW = "Borrow(bytes32,address,address,address,uint256,uint256)"
REPAY = "Repay(bytes32,address,address,uint256,uint256)"
SUPPLY = "Supply(bytes32,address,address,uint256,uint256)"
SUPPLY_COLLATERAL = "SupplyCollateral(bytes32,address,address,uint256)"
WITHDRAW_COLLATERAL = "WithdrawCollateral(bytes32,address,address,address,uint256)"
ACCRUE = "AccrueInterest(bytes32,uint256,uint256,uint256)"
AUTHORIZE = "SetAuthorization(address,address,address,bool)"


class World:
    """Morpho with nothing created yet; `now` is the time of the next log."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.now = START
        self.book = ColumnarBook()
        start(self.book, MORPHO, FACTORY)
        self.settings = Settings(MORPHO, FACTORY, USD_ORACLE, rules or Rules())
        self.market = MorphoBlueMarket("test", self.book, self.settings)
        self.answers = Answers()

    def emit(
        self, emitter: Address, signature: str, indexed: Sequence[Value], data: Sequence[Value] = ()
    ) -> None:
        """Fold one log."""
        self.market.fold(make_log(emitter, signature, indexed, data), self.now)

    def create(
        self,
        *,
        loan: Address = LOAN,
        collateral: Address = COLLATERAL,
        oracle: Address = ORACLE,
        irm: Address = ZERO_ADDRESS,
        lltv: int = LLTV,
        price: int | None = PRICE,
    ) -> str:
        """Create a market whose oracle answers `price`, None to revert; return its id."""
        words: list[Value] = [loan, collateral, oracle, irm, lltv]
        market_id = market_id_of(words)
        self.emit(MORPHO, CREATE_MARKET, [market_id], words)
        if price is not None:
            self.answers.set(oracle, "price()", price)
        return market_id

    def supply(self, market_id: str, assets: int, shares: int, owner: Address = BOB) -> None:
        self.emit(MORPHO, SUPPLY, [market_id, owner, owner], [assets, shares])

    def borrow(self, market_id: str, owner: Address, assets: int, shares: int) -> None:
        self.emit(MORPHO, BORROW, [market_id, owner, owner], [owner, assets, shares])

    def pledge(self, market_id: str, owner: Address, assets: int) -> None:
        self.emit(MORPHO, SUPPLY_COLLATERAL, [market_id, owner, owner], [assets])

    def offer_pre_liquidation(
        self, market_id: str, terms: Sequence[int], price: int | None, contract: Address = PRE
    ) -> None:
        """The factory makes a contract of (preLltv, LCF1, LCF2, LIF1, LIF2) with an oracle of its own."""
        self.emit(FACTORY, CREATE_PRE_LIQUIDATION, [contract], [market_id, *terms, PRE_ORACLE])
        if price is not None:
            self.answers.set(PRE_ORACLE, "price()", price)

    def authorize(self, owner: Address, contract: Address = PRE, *, allowed: bool = True) -> None:
        self.emit(MORPHO, AUTHORIZE, [owner, owner, contract], [int(allowed)])

    def refresh(self) -> None:
        """Read at the head what logs do not carry."""
        self.answers.drive(self.market.refresh(BlockRef(7, Hash("0x07"), Hash("0x06"), self.now, 0)))

    def position(
        self, shares: int, collateral: int, *, assets: int | None = None, price: int = PRICE, lltv: int = LLTV
    ) -> Address:
        """One market with one borrower, refreshed; return the account's key."""
        market_id = self.create(price=price, lltv=lltv)
        owed = shares // 10**6 if assets is None else assets
        self.supply(market_id, owed + 1, (owed + 1) * 10**6)
        self.borrow(market_id, ALICE, owed, shares)
        self.pledge(market_id, ALICE, collateral)
        self.refresh()
        return account_key(ALICE, market_id)


def market_id_of(words: Sequence[Value]) -> str:
    """Keccak of the ABI-encoded MarketParams."""
    values = (word if isinstance(word, int) else int(word, 16) for word in words)
    return "0x" + keccak(b"".join(value.to_bytes(32, "big") for value in values)).hex()


class Result(NamedTuple):
    """What a liquidation repays (assets, shares) and seizes."""

    repaid: int
    shares: int
    seized: int


class Reference(NamedTuple):
    """A market and a position as the reference page has them: TBA, TBS, price, lltv, shares, collateral."""

    assets: int
    total_shares: int
    price: int
    lltv: int
    shares: int
    collateral: int

    def ratio(self) -> Fraction:
        """Assets a share, with the virtual amounts."""
        return Fraction(self.assets + 1, self.total_shares + 10**6)

    def owed(self) -> int:
        return ceil(self.shares * self.ratio())

    def quoted(self) -> int:
        return floor(Fraction(self.collateral * self.price, 10**36))

    def healthy(self) -> bool:
        return self.shares == 0 or floor(Fraction(self.quoted() * self.lltv, WAD)) >= self.owed()

    def factor(self) -> int:
        """LIF = min(1.15W, down(W, W, W - down(0.3W, W - lltv, W)))."""
        shrunk = WAD - floor(Fraction(3 * WAD // 10 * (WAD - self.lltv), WAD))
        return min(115 * WAD // 100, floor(Fraction(WAD * WAD, shrunk)))

    def by_collateral(self, seized: int, factor: int, price: int | None = None) -> Result:
        quote = ceil(Fraction(seized * (self.price if price is None else price), 10**36))
        shares = ceil(ceil(Fraction(quote * WAD, factor)) / self.ratio())
        return Result(ceil(shares * self.ratio()), shares, seized)

    def by_shares(self, shares: int, factor: int) -> Result:
        value = floor(Fraction(floor(shares * self.ratio()) * factor, WAD))
        return Result(ceil(shares * self.ratio()), shares, floor(Fraction(value * 10**36, self.price)))

    def after(self, result: Result) -> "Reference":
        return self._replace(
            assets=max(self.assets - result.repaid, 0),
            total_shares=self.total_shares - result.shares,
            shares=self.shares - result.shares,
            collateral=self.collateral - result.seized,
        )

    def bad_debt(self, result: Result) -> int:
        """Written off where all collateral is gone."""
        left = self.after(result)
        return 0 if left.collateral else min(left.assets, left.owed())
