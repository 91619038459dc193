"""A reproducible stream of random user actions over everything that an Aave v3.6 pool offers."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from keeper.devnet.actors import Actors
from keeper.devnet.borrowers import borrower_address
from keeper.devnet.reverts import DevnetError
from keeper.devnet.terms import Terms
from keeper.devnet.view import Holding
from keeper.types import MAX_UINT256, USD, WAD, Address

_GUESTS = 6
_DAY = 86_400
_DEEP_FALLS = 0.25


class ActionKind(StrEnum):
    """Everything that can happen. The `_ALL` ones ask for the whole position, `_FOR` act for another user."""

    SUPPLY = "supply"
    SUPPLY_FOR = "supply for"
    WITHDRAW = "withdraw"
    WITHDRAW_ALL = "withdraw all"
    BORROW = "borrow"
    REPAY = "repay"
    REPAY_ALL = "repay all"
    REPAY_FOR = "repay for"
    REPAY_A_TOKENS = "repay with aTokens"
    TRANSFER = "transfer"
    TRANSFER_ALL = "transfer all"
    COLLATERAL = "collateral flag"
    EMODE = "eMode"
    LIQUIDATE = "liquidate"
    LIQUIDATE_ALL = "liquidate all"
    LIQUIDATE_A_TOKENS = "liquidate to aTokens"
    LIQUIDATE_ALL_A_TOKENS = "liquidate all to aTokens"
    FLASH_LOAN = "flash loan"
    TREASURY = "mint to treasury"
    TIME = "time"
    PRICE = "price"


_WEIGHTS = dict.fromkeys(ActionKind, 4) | {
    ActionKind.EMODE: 6,
    ActionKind.LIQUIDATE: 6,
    ActionKind.LIQUIDATE_A_TOKENS: 6,
    ActionKind.TREASURY: 2,
    ActionKind.PRICE: 9,
}


class Action(NamedTuple):
    """What was done. `reverted` is the contract's reason, None when it went through."""

    kind: ActionKind
    detail: str
    reverted: str | None


class _Deed(NamedTuple):
    detail: str
    act: Callable[[], Awaitable[Any]]


_Draw = Callable[[], Awaitable[_Deed | None]]


class RandomActions:
    """Draws and performs actions of `users` and a few guests who start with nothing.

    The same seed on the same state does the same, provided that Anvil's clock is tied to its blocks
    (anvil_setBlockTimestampInterval). About one action in eight reverts: amounts, flags and modes are
    drawn near what the protocol allows, not within it.
    """

    def __init__(self, actors: Actors, users: Sequence[Address], seed: int) -> None:
        self._actors = actors
        self._random = Random(seed)
        self._guests = [borrower_address(seed, -1 - index) for index in range(_GUESTS)]
        self.users = (*users, *self._guests)
        self._symbols = [reserve.symbol for reserve in actors.market.reserves]
        self._first_prices: dict[str, int] = {}
        self._draws = self._by_kind()

    async def step(self) -> Action:
        """Perform one action; raises DevnetError only for what is not a revert."""
        kinds = list(_WEIGHTS)
        while True:
            kind = self._random.choices(kinds, list(_WEIGHTS.values()))[0]
            deed = await self._draws[kind]()
            if deed is not None:
                break
        try:
            await deed.act()
        except DevnetError as error:
            if "reverted" not in str(error):
                raise
            return Action(kind, deed.detail, str(error))
        return Action(kind, deed.detail, None)

    def _by_kind(self) -> dict[ActionKind, _Draw]:
        return {
            ActionKind.SUPPLY: lambda: self._supply(for_other=False),
            ActionKind.SUPPLY_FOR: lambda: self._supply(for_other=True),
            ActionKind.WITHDRAW: lambda: self._withdraw(everything=False),
            ActionKind.WITHDRAW_ALL: lambda: self._withdraw(everything=True),
            ActionKind.BORROW: self._borrow,
            ActionKind.REPAY: lambda: self._repay(everything=False),
            ActionKind.REPAY_ALL: lambda: self._repay(everything=True),
            ActionKind.REPAY_FOR: self._repay_for,
            ActionKind.REPAY_A_TOKENS: self._repay_with_a_tokens,
            ActionKind.TRANSFER: lambda: self._transfer(everything=False),
            ActionKind.TRANSFER_ALL: lambda: self._transfer(everything=True),
            ActionKind.COLLATERAL: self._collateral,
            ActionKind.EMODE: self._emode,
            ActionKind.LIQUIDATE: lambda: self._liquidate(everything=False, a_tokens=False),
            ActionKind.LIQUIDATE_ALL: lambda: self._liquidate(everything=True, a_tokens=False),
            ActionKind.LIQUIDATE_A_TOKENS: lambda: self._liquidate(everything=False, a_tokens=True),
            ActionKind.LIQUIDATE_ALL_A_TOKENS: lambda: self._liquidate(everything=True, a_tokens=True),
            ActionKind.FLASH_LOAN: self._flash_loan,
            ActionKind.TREASURY: self._treasury,
            ActionKind.TIME: self._time,
            ActionKind.PRICE: self._price,
        }

    async def _supply(self, *, for_other: bool) -> _Deed:
        user, symbol = self._user(), self._random.choice(self._symbols)
        receiver = self._user() if for_other else user
        amount = await self._some(symbol)
        await self._actors.give(user, symbol, amount)
        return _Deed(
            f"{user} {amount} {symbol} for {receiver}",
            lambda: self._actors.supply(user, symbol, amount, for_user=receiver),
        )

    async def _withdraw(self, *, everything: bool) -> _Deed | None:
        user, symbol, holding = await self._holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        amount = MAX_UINT256 if everything else self._part(holding.supplied)
        return _Deed(f"{user} {amount} {symbol}", lambda: self._actors.withdraw(user, symbol, amount))

    async def _borrow(self) -> _Deed | None:
        user = self._user()
        available = (await self._actors.view.account(user)).available
        if not available:
            return None
        terms = await self._terms()
        mode = terms.emodes.get(await self._actors.view.emode(user))
        symbol = self._random.choice(sorted(mode.borrowables) if mode else self._symbols)
        amount = terms.listings[symbol].amount(available * self._random.randint(1, 110) // 100) + 1
        return _Deed(f"{user} {amount} {symbol}", lambda: self._actors.borrow(user, symbol, amount))

    async def _repay(self, *, everything: bool) -> _Deed | None:
        user, symbol, holding = await self._holder(lambda holding: holding.owed)
        if holding is None:
            return None
        amount = MAX_UINT256 if everything else self._part(holding.owed)
        await self._actors.give(user, symbol, holding.owed * 2)
        return _Deed(f"{user} {amount} {symbol}", lambda: self._actors.repay(user, symbol, amount))

    async def _repay_for(self) -> _Deed | None:
        user, symbol, holding = await self._holder(lambda holding: holding.owed)
        if holding is None:
            return None
        payer, amount = self._user(), self._part(holding.owed)
        await self._actors.give(payer, symbol, amount)
        return _Deed(
            f"{payer} {amount} {symbol} for {user}",
            lambda: self._actors.repay(payer, symbol, amount, for_user=user),
        )

    async def _repay_with_a_tokens(self) -> _Deed | None:
        user, symbol, holding = await self._holder(lambda holding: holding.owed)
        if holding is None:
            return None
        if not holding.supplied:
            # Few accounts owe what they supplied, so this one first supplies it.
            await self._actors.give(user, symbol, holding.owed)
            await self._actors.supply(user, symbol, holding.owed)
        amount = self._random.choice([MAX_UINT256, self._part(holding.owed)])
        return _Deed(
            f"{user} {amount} {symbol}", lambda: self._actors.repay_with_a_tokens(user, symbol, amount)
        )

    async def _transfer(self, *, everything: bool) -> _Deed | None:
        user, symbol, holding = await self._holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        receiver = self._user()
        if everything:
            return _Deed(
                f"{user} {symbol} to {receiver}", lambda: self._actors.transfer_all(user, symbol, receiver)
            )
        amount = self._part(holding.supplied)
        return _Deed(
            f"{user} {amount} {symbol} to {receiver}",
            lambda: self._actors.transfer(user, symbol, amount, receiver),
        )

    async def _collateral(self) -> _Deed | None:
        user, symbol, holding = await self._holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        use = not holding.is_collateral
        return _Deed(f"{user} {symbol} {use}", lambda: self._actors.use_as_collateral(user, symbol, use))

    async def _emode(self) -> _Deed:
        user = self._user()
        category = self._random.choice([0, *(await self._terms()).emodes])
        return _Deed(f"{user} {category}", lambda: self._actors.set_emode(user, category))

    async def _liquidate(self, *, everything: bool, a_tokens: bool) -> _Deed | None:
        accounts = await self._actors.view.accounts(self.users)
        weak = [
            user for user, account in zip(self.users, accounts, strict=True) if account.health_factor < WAD
        ]
        if not weak:
            return None
        borrower = self._random.choice(weak)
        holdings = await self._actors.view.holdings(borrower)
        collaterals = [symbol for symbol, each in holdings.items() if each.is_collateral and each.supplied]
        debts = [symbol for symbol, each in holdings.items() if each.owed]
        if not collaterals:
            return None
        collateral, debt = self._random.choice(collaterals), self._random.choice(debts)
        owed = holdings[debt].owed
        amount = MAX_UINT256 if everything else self._part(owed)
        liquidator = self._random.choice(self._guests)
        await self._actors.give(liquidator, debt, owed * 2)
        return _Deed(
            f"{liquidator} repays {amount} {debt} of {borrower} for {collateral}",
            lambda: self._actors.liquidate(
                liquidator, borrower, collateral, debt, amount, receive_a_token=a_tokens
            ),
        )

    async def _flash_loan(self) -> _Deed:
        symbol, repays = self._random.choice(self._symbols), self._random.random() < 0.9
        amount = await self._some(symbol)
        return _Deed(
            f"{amount} {symbol}, repays: {repays}",
            lambda: self._actors.flash_loan(symbol, amount, repays=repays),
        )

    async def _treasury(self) -> _Deed:
        symbols = self._random.sample(self._symbols, self._random.randint(1, len(self._symbols)))
        return _Deed(" ".join(symbols), lambda: self._actors.mint_to_treasury(*symbols))

    async def _time(self) -> _Deed:
        seconds = int(60 * (30 * _DAY / 60) ** self._random.random())
        return _Deed(f"{seconds} s", lambda: self._actors.advance(seconds))

    async def _price(self) -> _Deed:
        """Mostly a few percent; one in four is a fall so deep that bad debt arises. Far prices come back."""
        symbol = self._random.choice(self._symbols)
        now = await self._actors.prices()
        first = self._first_prices.setdefault(symbol, now[symbol])
        percent = self._random.randint(-8, 8)
        if self._random.random() < _DEEP_FALLS:
            percent = -self._random.randint(15, 50)
        price = now[symbol] * (100 + percent) // 100
        if not first * 2 // 5 < price < first * 2:
            price = first
        return _Deed(f"{symbol} {price}", lambda: self._actors.set_prices({symbol: price}))

    def _user(self) -> Address:
        return self._random.choice(self.users)

    async def _holder(self, measure: Callable[[Holding], int]) -> tuple[Address, str, Holding | None]:
        """A random user and one of the reserves where it has any of what `measure` says; None without."""
        user = self._user()
        holdings = await self._actors.view.holdings(user)
        symbols = [symbol for symbol, holding in holdings.items() if measure(holding)]
        if not symbols:
            return user, "", None
        symbol = self._random.choice(symbols)
        return user, symbol, holdings[symbol]

    async def _some(self, symbol: str) -> int:
        """An amount worth ten to a million dollars."""
        listing = (await self._terms()).listings[symbol]
        return listing.amount(int(10 ** self._random.uniform(1, 6) * USD))

    def _part(self, amount: int) -> int:
        """One to a hundred percent of `amount`, but not nothing."""
        return max(1, amount * self._random.randint(1, 100) // 100)

    async def _terms(self) -> Terms:
        return await self._actors.view.terms()
