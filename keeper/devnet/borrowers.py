"""Varied, reproducible borrowers: pure generation of accounts from prices, limits and a seed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from eth_utils.crypto import keccak

from keeper.devnet.aave.terms import Position, Terms, borrowing_power, isolated_units
from keeper.types import BPS, USD, Address

STRIDE = 0.6180339887498949
"""Multiples of the golden ratio, modulo 1, fill the interval evenly from the very first on."""

OTHER_STRIDE = 0.41421356237309515
"""Independent of the first, so kinds and sizes mix."""

_COLLATERAL_WEIGHTS = {"WETH": 35, "wstETH": 20, "WBTC": 20, "LINK": 10, "USDC": 6, "DAI": 5, "USDT": 4}
_DEBT_WEIGHTS = {"USDC": 35, "USDT": 25, "DAI": 15, "WETH": 15, "WBTC": 6, "wstETH": 2, "LINK": 2}


class Kind(StrEnum):
    """How an account uses the market."""

    PLAIN = "plain"
    EMODE = "emode"
    ISOLATED = "isolated"
    SUPPLIER = "supplier"


class Size(StrEnum):
    """How much collateral: tens of dollars, 1k to 100k, 1M to 5M."""

    DUST = "dust"
    NORMAL = "normal"
    WHALE = "whale"


EXPONENTS = {Size.DUST: (1.0, 2.0), Size.NORMAL: (3.0, 5.0), Size.WHALE: (6.0, 6.69)}


@dataclass(frozen=True, slots=True)
class Borrower:
    """One account as it is to be: what it supplies, then borrows. `emode` 0 is none."""

    address: Address
    kind: Kind
    size: Size
    emode: int
    collateral: tuple[Position, ...]
    debt: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Mix:
    """Percent of accounts of each kind and size; the rest is plain and normal.

    `near_limit` percent of those with debt use 96 to 99.8 % of what they may borrow, the others 25 to 90 %.
    """

    suppliers: int = 4
    emode: int = 20
    isolated: int = 7
    dust: int = 15
    whales: int = 4
    near_limit: int = 50


DEFAULT_MIX = Mix()


def borrower_address(seed: int, index: int) -> Address:
    """Address of borrower `index`; nobody has its key."""
    return Address("0x" + keccak(text=f"keeper devnet borrower {seed} {index}")[-20:].hex())


def make_borrowers(terms: Terms, count: int, seed: int, mix: Mix = DEFAULT_MIX) -> tuple[Borrower, ...]:
    """`count` accounts; the same arguments give the same accounts, and a larger count the same first ones.

    Every debt is within what the protocol lets the account borrow, and isolated debts stay below half of
    their ceiling, so that room is left for actions later.
    """
    room = {
        symbol: listing.debt_ceiling // 2
        for symbol, listing in terms.listings.items()
        if listing.debt_ceiling
    }
    start = Random(f"{seed}").random()
    borrowers = []
    for index in range(count):
        kind = _kind((start + index * STRIDE) % 1, mix)
        size = size_at((start + index * OTHER_STRIDE) % 1, mix)
        borrower = _Draft(terms, Random(f"{seed} {index}"), mix, room).make(
            borrower_address(seed, index), kind, size
        )
        for position in borrower.debt if borrower.kind is Kind.ISOLATED else ():
            room[borrower.collateral[0].symbol] -= isolated_units(
                terms.listings[position.symbol], position.amount
            )
        borrowers.append(borrower)
    return tuple(borrowers)


class _Draft:
    """Draws one borrower. `room` is what isolated collaterals may still carry, USD with 2 decimals."""

    def __init__(self, terms: Terms, random: Random, mix: Mix, room: Mapping[str, int]) -> None:
        self._terms = terms
        self._random = random
        self._mix = mix
        self._room = room

    def make(self, address: Address, kind: Kind, size: Size) -> Borrower:
        value = int(10 ** self._random.uniform(*EXPONENTS[size]) * USD)
        if kind is Kind.ISOLATED and (isolated := self._isolated(address, size, value)):
            return isolated
        if kind is Kind.EMODE and self._terms.emodes:
            return self._in_emode(address, size, value)
        symbols = self._pick(self._plain_collaterals(), _COLLATERAL_WEIGHTS, 3)
        collateral = self._split(symbols, value)
        if kind is Kind.SUPPLIER:
            return Borrower(address, kind, size, 0, collateral, ())
        borrowable = {s for s, each in self._terms.listings.items() if each.borrowable and not each.siloed}
        debt = self._debt(collateral, 0, borrowable, _DEBT_WEIGHTS)
        return Borrower(address, Kind.PLAIN, size, 0, collateral, debt)

    def _in_emode(self, address: Address, size: Size, value: int) -> Borrower:
        mode = self._terms.emodes[self._random.choice(sorted(self._terms.emodes))]
        symbols = self._pick(mode.collaterals, {}, 2)
        others = self._plain_collaterals() - mode.collaterals
        if others and self._random.random() < 0.2:
            # Collateral outside the category keeps its ordinary limits.
            symbols += self._pick(others, _COLLATERAL_WEIGHTS, 1)
        collateral = self._split(symbols, value)
        debt = self._debt(collateral, mode.id, mode.borrowables, {})
        return Borrower(address, Kind.EMODE, size, mode.id, collateral, debt)

    def _isolated(self, address: Address, size: Size, value: int) -> Borrower | None:
        """None when no isolated collateral has room for a debt of some dollars."""
        borrowable = {s for s, listing in self._terms.listings.items() if listing.isolation_borrowable}
        symbols = [symbol for symbol, room in sorted(self._room.items()) if room > 10_000]
        if not symbols or not borrowable:
            return None
        symbol = self._random.choice(symbols)
        # Collateral worth no more than the room can never borrow past the ceiling.
        collateral = self._split([symbol], min(value, self._room[symbol] * (USD // 100)))
        debt = self._debt(collateral, 0, borrowable, _DEBT_WEIGHTS)
        return Borrower(address, Kind.ISOLATED, size, 0, collateral, debt)

    def _plain_collaterals(self) -> frozenset[str]:
        return frozenset(s for s, each in self._terms.listings.items() if each.ltv and not each.debt_ceiling)

    def _pick(self, among: Collection[str], weights: Mapping[str, int], most: int) -> list[str]:
        """One to `most` different symbols, fewer being likelier."""
        left = sorted(among)
        count = min(len(left), self._random.choices(range(1, most + 1), [5, 3, 2][:most])[0])
        picked: list[str] = []
        for _ in range(count):
            picked += self._random.choices(left, [weights.get(symbol, 1) for symbol in left])
            left.remove(picked[-1])
        return picked

    def _split(self, symbols: Sequence[str], value: int) -> tuple[Position, ...]:
        """`value` (USD, 8 decimals) in uneven parts."""
        parts = [self._random.randint(20, 100) for _ in symbols]
        listings = self._terms.listings
        return tuple(
            Position(symbol, listings[symbol].amount(value * part // sum(parts)))
            for symbol, part in zip(symbols, parts, strict=True)
        )

    def _debt(
        self,
        collateral: tuple[Position, ...],
        emode: int,
        borrowable: Collection[str],
        weights: Mapping[str, int],
    ) -> tuple[Position, ...]:
        # Debt in the only collateral's own asset would hardly ever become liquidatable.
        alone = {collateral[0].symbol} if len(collateral) == 1 else set()
        symbols = self._pick(set(borrowable) - alone or borrowable, weights, 3)
        near = self._random.random() * 100 < self._mix.near_limit
        use = self._random.randint(9600, 9980) if near else self._random.randint(2500, 9000)
        return self._split(symbols, borrowing_power(self._terms, collateral, emode) * use // BPS)


def _kind(place: float, mix: Mix) -> Kind:
    percent = place * 100
    for kind, share in (
        (Kind.SUPPLIER, mix.suppliers),
        (Kind.EMODE, mix.emode),
        (Kind.ISOLATED, mix.isolated),
    ):
        if percent < share:
            return kind
        percent -= share
    return Kind.PLAIN


def size_at(place: float, mix: Mix) -> Size:
    """The size of an account at a place from 0 to 1 in a crowd."""
    percent = place * 100
    if percent < mix.dust:
        return Size.DUST
    return Size.WHALE if percent < mix.dust + mix.whales else Size.NORMAL
