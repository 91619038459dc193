"""Random changes of efficiency modes: limits, members, price sources."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from keeper.devnet.aave.admin.kinds import AdminKind
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.random.draws import Deed, Draw, Draws
from keeper.devnet.feeds import Feeds
from keeper.types import BPS, ZERO_ADDRESS, Address

_LAST = 8
"""Categories beyond are not used."""


class _Limits(NamedTuple):
    ltv: int
    threshold: int
    bonus: int


class EModeSettings:
    """Draws changes of eModes, and of what is in them."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._random = draws.random
        self._actors = draws.actors

    def by_kind(self) -> dict[AdminKind, Draw]:
        """How to draw each kind."""
        decoupled = self._actors.market.version is Version.V36
        return {
            AdminKind.EMODE_LIMITS: self._change,
            AdminKind.EMODE_NEW: self._new,
            AdminKind.EMODE_SOURCE: self._source,
            AdminKind.EMODE_MEMBER: self._bitmap_member if decoupled else self._member,
            AdminKind.EMODE_LTV_ZERO: self._ltv_zero,
        }

    async def _change(self) -> Deed:
        category, limits = self._random.choice(sorted((await self._draws.terms()).emodes)), self._limits()
        return self._configure(category, limits, lambda: self._present_source(category))

    async def _new(self) -> Deed | None:
        terms = await self._draws.terms()
        free = [category for category in range(1, _LAST + 1) if category not in terms.emodes]
        if not free:
            return None
        return self._configure(free[0], self._limits(), _no_source)

    async def _source(self) -> Deed:
        """Mostly a new source near the price of a member, else none."""
        terms = await self._draws.terms()
        category = self._random.choice(sorted(terms.emodes))
        members = sorted(terms.emodes[category].collaterals)
        if not members or self._random.random() < 0.3:
            return self._configure(category, self._limits(), _no_source)
        price = terms.listings[self._random.choice(members)].price * self._random.randint(98, 102) // 100
        return self._configure(category, self._limits(), lambda: self._new_source(category, price))

    async def _member(self) -> Deed:
        """A reserve is in one category at most; most come back to where they were."""
        terms = await self._draws.terms()
        symbol = self._random.choice(self._draws.symbols)
        category = self._random.choice([0, *terms.emodes])
        token = self._token(symbol)
        now = next((each.id for each in terms.emodes.values() if symbol in each.collaterals), 0)

        def assign(number: int) -> Callable[[], Awaitable[None]]:
            return lambda: self._tell("setAssetEModeCategory", token, number)

        undo = Deed(f"{symbol} back to {now}", assign(now)) if now else None
        return Deed(f"{symbol} to {category}", assign(category), undo)

    async def _bitmap_member(self) -> Deed:
        """From v3.2 on a reserve may be on either side of any category."""
        terms = await self._draws.terms()
        symbol = self._random.choice(self._draws.symbols)
        mode = terms.emodes[self._random.choice(sorted(terms.emodes))]
        side, members = self._random.choice(
            [("Collateral", mode.collaterals), ("Borrowable", mode.borrowables)]
        )
        name, wanted, token = f"setAsset{side}InEMode", symbol not in members, self._token(symbol)

        def set_to(value: bool) -> Callable[[], Awaitable[None]]:
            return lambda: self._tell(name, token, mode.id, value)

        undo = None if wanted else Deed(f"{symbol} back to {mode.id}", set_to(True))
        return Deed(f"{name} {symbol} {mode.id} {wanted}", set_to(wanted), undo)

    async def _ltv_zero(self) -> Deed | None:
        terms = await self._draws.terms()
        mode = terms.emodes[self._random.choice(sorted(terms.emodes))]
        if not mode.collaterals:
            return None
        symbol = self._random.choice(sorted(mode.collaterals))
        token = self._token(symbol)

        def set_to(value: bool) -> Callable[[], Awaitable[None]]:
            return lambda: self._tell("setAssetLtvzeroInEMode", token, mode.id, value)

        return Deed(f"{symbol} {mode.id}", set_to(True), Deed(f"{symbol} {mode.id} off", set_to(False)))

    def _limits(self) -> _Limits:
        threshold = self._random.randint(9300, 9700)
        bonus = min(self._random.randint(10_050, 10_200), BPS * BPS // threshold)
        return _Limits(threshold - self._random.randint(50, 300), threshold, bonus)

    def _configure(self, category: int, limits: _Limits, source: Callable[[], Awaitable[Address]]) -> Deed:
        label = f"eMode {category}"

        async def act() -> None:
            own_source = [await source()] if self._actors.market.version is Version.V30 else []
            await self._tell("setEModeCategory", category, *limits, *own_source, label)

        return Deed(f"{category} {tuple(limits)}", act)

    async def _present_source(self, category: int) -> Address:
        data = await self._actors.market.read_pool(self._actors.node, "getEModeCategoryData", category)
        return Address(data[3])

    async def _new_source(self, category: int, price: int) -> Address:
        """The pool asks the oracle for a category's source as if it were an asset."""
        market, node = self._actors.market, self._actors.node
        prices: Mapping[str, int] = {f"eMode {category}": price}
        [feed] = await Feeds(node, market.admin).create(prices)
        await node.send(market.oracle_tx("setAssetSources", [feed.proxy], [feed.proxy]))
        return feed.proxy

    def _token(self, symbol: str) -> Address:
        return self._actors.market.reserve(symbol).token

    async def _tell(self, name: str, *args: object) -> None:
        await self._actors.node.send(self._actors.market.configurator_tx(name, *args))


async def _no_source() -> Address:
    return ZERO_ADDRESS
