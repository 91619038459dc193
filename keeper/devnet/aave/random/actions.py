"""A reproducible stream of random user actions over everything that an Aave pool offers."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import VARIABLE_RATE
from keeper.devnet.aave.random.draws import Action, Deed, Draw, Draws, perform
from keeper.devnet.aave.random.legacy import LEGACY_KINDS, LegacyActions
from keeper.devnet.actors import Actors, FlashLoan
from keeper.types import MAX_UINT256, WAD, Address

__all__ = ["Action", "ActionKind", "RandomActions"]

_DAY = 86_400
_DEEP_FALLS = 0.25


class ActionKind(StrEnum):
    """All that users of the newest version do; of older ones there is more in LegacyKind.

    The `_ALL` ones ask for the whole position, `_FOR` act for another user.
    """

    SUPPLY = "supply"
    SUPPLY_FOR = "supply for"
    WITHDRAW = "withdraw"
    WITHDRAW_ALL = "withdraw all"
    BORROW = "borrow"
    BORROW_FOR = "borrow on delegated credit"
    REPAY = "repay"
    REPAY_ALL = "repay all"
    REPAY_FOR = "repay for"
    REPAY_A_TOKENS = "repay with aTokens"
    TRANSFER = "transfer"
    TRANSFER_ALL = "transfer all"
    COLLATERAL = "collateral flag"
    COLLATERAL_FOR = "collateral flag by a manager"
    EMODE = "eMode"
    LIQUIDATE = "liquidate"
    LIQUIDATE_ALL = "liquidate all"
    LIQUIDATE_A_TOKENS = "liquidate to aTokens"
    LIQUIDATE_ALL_A_TOKENS = "liquidate all to aTokens"
    FLASH_LOAN = "flash loan"
    FLASH_LOANS = "flash loans at once"
    FLASH_DEBT = "flash loan kept as debt"
    FLASH_DEBT_FOR = "flash loan kept as another's debt"
    TREASURY = "mint to treasury"
    TIME = "time"
    PRICE = "price"


_WEIGHT = 4
_WEIGHTS: dict[StrEnum, int] = {
    ActionKind.EMODE: 6,
    ActionKind.LIQUIDATE: 6,
    ActionKind.LIQUIDATE_A_TOKENS: 6,
    ActionKind.TREASURY: 2,
    ActionKind.PRICE: 9,
}


_V3_ONLY = {ActionKind.REPAY_A_TOKENS, ActionKind.EMODE, ActionKind.FLASH_LOAN, ActionKind.TREASURY}

_ABSENT = {
    Version.V2: {*_V3_ONLY, ActionKind.COLLATERAL_FOR},
    Version.V30: {ActionKind.COLLATERAL_FOR},
    Version.V36: set[ActionKind](),
}


class RandomActions:
    """Draws and performs actions of `users` and a few guests who start with nothing.

    The same seed on the same state does the same, provided that Anvil's clock is tied to its blocks
    (anvil_setBlockTimestampInterval). About one action in eight reverts: amounts, flags and modes are
    drawn near what the protocol allows, not within it.
    """

    def __init__(self, actors: Actors, users: Sequence[Address], seed: int) -> None:
        self._draws = Draws(actors, users, seed)
        self._random = self._draws.random
        self.users = self._draws.users
        self._first_prices: dict[str, int] = {}
        version = actors.market.version
        absent = _ABSENT[version]
        legacy = LegacyActions(self._draws).by_kind()
        self._by_kind: dict[StrEnum, Draw] = {
            **{kind: draw for kind, draw in self._user_draws().items() if kind not in absent},
            **{kind: legacy[kind] for kind in LEGACY_KINDS[version]},
        }
        self._succeeded: Counter[StrEnum] = Counter()

    @property
    def kinds(self) -> frozenset[StrEnum]:
        """Everything that this market's version lets users do."""
        return frozenset(self._by_kind)

    async def step(self) -> Action:
        """Perform one action; raises DevnetError only for what is not a revert."""
        kinds = list(self._by_kind)
        while True:
            kind = self._random.choices(kinds, list(map(self._weight, kinds)))[0]
            deed = await self._by_kind[kind]()
            if deed is not None:
                break
        action = await perform(kind, deed)
        self._succeeded[kind] += action.reverted is None
        return action

    def _weight(self, kind: StrEnum) -> float:
        """What has never gone through comes first, so that even a short run has seen everything."""
        weight = _WEIGHTS.get(kind, _WEIGHT)
        return weight if self._succeeded[kind] else 2 * weight

    def _user_draws(self) -> dict[ActionKind, Draw]:
        return {
            ActionKind.SUPPLY: lambda: self._supply(for_other=False),
            ActionKind.SUPPLY_FOR: lambda: self._supply(for_other=True),
            ActionKind.WITHDRAW: lambda: self._withdraw(everything=False),
            ActionKind.WITHDRAW_ALL: lambda: self._withdraw(everything=True),
            ActionKind.BORROW: self._borrow,
            ActionKind.BORROW_FOR: self._borrow_for,
            ActionKind.REPAY: lambda: self._repay(everything=False),
            ActionKind.REPAY_ALL: lambda: self._repay(everything=True),
            ActionKind.REPAY_FOR: self._repay_for,
            ActionKind.REPAY_A_TOKENS: self._repay_with_a_tokens,
            ActionKind.TRANSFER: lambda: self._transfer(everything=False),
            ActionKind.TRANSFER_ALL: lambda: self._transfer(everything=True),
            ActionKind.COLLATERAL: self._collateral,
            ActionKind.COLLATERAL_FOR: self._collateral_for,
            ActionKind.EMODE: self._emode,
            ActionKind.LIQUIDATE: lambda: self._liquidate(everything=False, a_tokens=False),
            ActionKind.LIQUIDATE_ALL: lambda: self._liquidate(everything=True, a_tokens=False),
            ActionKind.LIQUIDATE_A_TOKENS: lambda: self._liquidate(everything=False, a_tokens=True),
            ActionKind.LIQUIDATE_ALL_A_TOKENS: lambda: self._liquidate(everything=True, a_tokens=True),
            ActionKind.FLASH_LOAN: self._flash_loan,
            ActionKind.FLASH_LOANS: self._flash_loans,
            ActionKind.FLASH_DEBT: lambda: self._flash_debt(for_other=False),
            ActionKind.FLASH_DEBT_FOR: lambda: self._flash_debt(for_other=True),
            ActionKind.TREASURY: self._treasury,
            ActionKind.TIME: self._time,
            ActionKind.PRICE: self._price,
        }

    async def _supply(self, *, for_other: bool) -> Deed:
        user, symbol = self._draws.user(), self._random.choice(self._draws.symbols)
        receiver = self._draws.user() if for_other else user
        amount = await self._draws.some(symbol)
        await self._draws.actors.give(user, symbol, amount)
        return Deed(
            f"{user} {amount} {symbol} for {receiver}",
            lambda: self._draws.actors.supply(user, symbol, amount, for_user=receiver),
        )

    async def _withdraw(self, *, everything: bool) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        amount = MAX_UINT256 if everything else self._draws.part(holding.supplied)
        return Deed(f"{user} {amount} {symbol}", lambda: self._draws.actors.withdraw(user, symbol, amount))

    async def _borrow(self) -> Deed | None:
        user = self._draws.user()
        symbol, amount = await self._draws.credit(user, 110)
        if not amount:
            return None
        return Deed(f"{user} {amount} {symbol}", lambda: self._draws.actors.borrow(user, symbol, amount))

    async def _borrow_for(self) -> Deed | None:
        user, delegator = self._draws.user(), self._draws.user()
        symbol, amount = await self._draws.credit(delegator, 60)
        if not amount:
            return None

        async def act() -> None:
            await self._draws.actors.delegate(delegator, symbol, amount, user)
            await self._draws.actors.borrow(user, symbol, amount, for_user=delegator)

        return Deed(f"{user} {amount} {symbol} on the credit of {delegator}", act)

    async def _repay(self, *, everything: bool) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.owed)
        if holding is None:
            return None
        amount = MAX_UINT256 if everything else self._draws.part(holding.owed)
        await self._draws.actors.give(user, symbol, holding.owed * 2)
        return Deed(f"{user} {amount} {symbol}", lambda: self._draws.actors.repay(user, symbol, amount))

    async def _repay_for(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.owed)
        if holding is None:
            return None
        payer, amount = self._draws.user(), self._draws.part(holding.owed)
        await self._draws.actors.give(payer, symbol, amount)
        return Deed(
            f"{payer} {amount} {symbol} for {user}",
            lambda: self._draws.actors.repay(payer, symbol, amount, for_user=user),
        )

    async def _repay_with_a_tokens(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.owed)
        if holding is None:
            return None
        amount = self._random.choice([MAX_UINT256, self._draws.part(holding.owed)])
        await self._draws.actors.give(user, symbol, holding.owed)

        async def act() -> None:
            if not holding.supplied:
                # Few accounts owe what they supplied, so this one first supplies it.
                await self._draws.actors.supply(user, symbol, holding.owed)
            await self._draws.actors.repay_with_a_tokens(user, symbol, amount)

        return Deed(f"{user} {amount} {symbol}", act)

    async def _transfer(self, *, everything: bool) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        receiver = self._draws.user()
        if everything:
            return Deed(
                f"{user} {symbol} to {receiver}",
                lambda: self._draws.actors.transfer_all(user, symbol, receiver),
            )
        amount = self._draws.part(holding.supplied)
        return Deed(
            f"{user} {amount} {symbol} to {receiver}",
            lambda: self._draws.actors.transfer(user, symbol, amount, receiver),
        )

    async def _collateral(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        use = not holding.is_collateral
        return Deed(f"{user} {symbol} {use}", lambda: self._draws.actors.use_as_collateral(user, symbol, use))

    async def _collateral_for(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.supplied)
        if holding is None:
            return None
        use, manager = not holding.is_collateral, self._random.choice(self._draws.guests)
        return Deed(
            f"{manager} for {user} {symbol} {use}",
            lambda: self._draws.actors.use_as_collateral_for(manager, symbol, use, user),
        )

    async def _emode(self) -> Deed:
        user = self._draws.user()
        category = self._random.choice([0, *(await self._draws.terms()).emodes])
        return Deed(f"{user} {category}", lambda: self._draws.actors.set_emode(user, category))

    async def _liquidate(self, *, everything: bool, a_tokens: bool) -> Deed | None:
        accounts = await self._draws.actors.view.accounts(self.users)
        weak = [
            user for user, account in zip(self.users, accounts, strict=True) if account.health_factor < WAD
        ]
        if not weak:
            return None
        borrower = self._random.choice(weak)
        holdings = await self._draws.actors.view.holdings(borrower)
        collaterals = [symbol for symbol, each in holdings.items() if each.is_collateral and each.supplied]
        debts = [symbol for symbol, each in holdings.items() if each.owed or each.owed_stable]
        if not collaterals or not debts:
            return None
        collateral, debt = self._random.choice(collaterals), self._random.choice(debts)
        owed = holdings[debt].owed + holdings[debt].owed_stable
        amount = MAX_UINT256 if everything else self._draws.part(owed)
        liquidator = self._random.choice(self._draws.guests)
        await self._draws.actors.give(liquidator, debt, owed * 2)
        return Deed(
            f"{liquidator} repays {amount} {debt} of {borrower} for {collateral}",
            lambda: self._draws.actors.liquidate(
                liquidator, borrower, collateral, debt, amount, receive_a_token=a_tokens
            ),
        )

    async def _flash_loan(self) -> Deed:
        symbol, repays = self._random.choice(self._draws.symbols), self._random.random() < 0.9
        amount = await self._draws.some(symbol)
        return Deed(
            f"{amount} {symbol}, repays: {repays}",
            lambda: self._draws.actors.flash_loan(symbol, amount, repays=repays),
        )

    async def _flash_loans(self) -> Deed:
        user, symbols = self._draws.user(), self._draws.symbols
        chosen = self._random.sample(symbols, self._random.randint(1, min(3, len(symbols))))
        loans = [FlashLoan(symbol, await self._draws.some(symbol)) for symbol in chosen]
        return Deed(f"{user} {loans}", lambda: self._draws.actors.flash_loans(user, loans))

    async def _flash_debt(self, *, for_other: bool) -> Deed | None:
        """One asset becomes debt, another is given back."""
        user = self._draws.user()
        debtor = self._draws.user() if for_other else user
        symbol, amount = await self._draws.credit(debtor, 60)
        if not amount:
            return None
        other = self._random.choice([each for each in self._draws.symbols if each != symbol])
        loans = [FlashLoan(symbol, amount, VARIABLE_RATE), FlashLoan(other, await self._draws.some(other))]

        async def act() -> None:
            if debtor != user:
                await self._draws.actors.delegate(debtor, symbol, amount, user)
            await self._draws.actors.flash_loans(user, loans, for_user=debtor)

        return Deed(f"{user} {loans} for {debtor}", act)

    async def _treasury(self) -> Deed:
        symbols = self._random.sample(self._draws.symbols, self._random.randint(1, len(self._draws.symbols)))
        return Deed(" ".join(symbols), lambda: self._draws.actors.mint_to_treasury(*symbols))

    async def _time(self) -> Deed:
        seconds = int(60 * (30 * _DAY / 60) ** self._random.random())
        return Deed(f"{seconds} s", lambda: self._draws.actors.advance(seconds))

    async def _price(self) -> Deed:
        """Mostly a few percent; one in four is a fall so deep that bad debt arises. Far prices come back."""
        symbol = self._random.choice(self._draws.symbols)
        now = await self._draws.actors.prices()
        first = self._first_prices.setdefault(symbol, now[symbol])
        percent = self._random.randint(-8, 8)
        if self._random.random() < _DEEP_FALLS:
            percent = -self._random.randint(15, 50)
        price = now[symbol] * (100 + percent) // 100
        if not first * 2 // 5 < price < first * 2:
            price = first
        return Deed(f"{symbol} {price}", lambda: self._draws.actors.set_prices({symbol: price}))
