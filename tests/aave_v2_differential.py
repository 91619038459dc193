"""A followed Aave v2 market against what its contracts answer, integer by integer."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

from eth_utils.crypto import keccak

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.aave.admin.actions import AdminActions
from keeper.devnet.aave.random.actions import Action, RandomActions
from keeper.devnet.anvil import Anvil
from keeper.devnet.network import Network
from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v2.market import AaveV2Market
from keeper.protocols.aave_v3.fold_loans import loan_of
from keeper.protocols.aave_v3.records import Accrual, Reserve
from keeper.protocols.base import Side
from keeper.protocols.decode import call, uint
from keeper.types import WAD, ZERO_ADDRESS, Address, BlockRef, Call
from tests.following import Follows

BLOCK_SECONDS = 12
"""Chain time of a block while random actions run: with it a seed says everything that happens."""

ADMIN_SHARE = 0.25

_TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
_BORROWING = int("01" * 128, 2)

Figures = dict[str, int | None]


class Following(Follows):
    """A follower of an Aave v2 market."""

    @property
    def market(self) -> AaveV2Market:
        """The followed market."""
        assert isinstance(self.follower.market, AaveV2Market)
        return self.follower.market


@asynccontextmanager
async def following(anvil: Anvil, provider: Address, start_block: int) -> AsyncIterator[Following]:
    """A follower that knows the provider and the start block only, at the head."""
    async with Pool([Rpc(anvil.http)], anvil.chain_id) as chain:
        yield await Following.start(chain, "aave-v2", {"addresses_provider": provider}, start_block)


class Comparison:
    """Compares everything, and counts what it compared."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.accounts = 0
        self.reserves = 0
        self.figures = 0

    async def everything(self, follows: Following, users: Sequence[Address]) -> list[str]:
        """Every account that ever appeared in a token's Transfer logs, and every reserve, at the head."""
        head = await follows.catch_up()
        appeared = await self._appeared(head.number)
        everybody = list(dict.fromkeys([*appeared, *follows.market.book.accounts(), *users]))
        frame = follows.market.frame(head.timestamp)
        found = []
        for user in everybody:
            actual = await self._ask(_account_questions(follows.market, user), head)
            actual["configuration"] = _meant(actual["configuration"], derived_bits(follows.market, user))
            found += self._differences(user, head, actual, _account(follows.market, user, frame))
            self.accounts += 1
        for info in follows.market.assets():
            actual = await self._ask(_reserve_questions(follows.market, info.asset), head)
            found += self._differences(info.symbol, head, actual, _reserve(follows.market, info.asset, frame))
            self.reserves += 1
        return found

    async def _appeared(self, last: int) -> list[Address]:
        market = self._network.actors.market
        tokens = [token for each in market.reserves for token in (each.a_token, each.v_token, each.s_token)]
        scope = {"fromBlock": hex(market.start_block), "toBlock": hex(last)}
        query = {**scope, "address": tokens, "topics": [_TRANSFER]}
        logs = await self._network.node.request("eth_getLogs", query)
        found = {Address("0x" + topic[26:]): None for log in logs for topic in log["topics"][1:]}
        found.pop(ZERO_ADDRESS, None)
        return list(found)

    async def _ask(self, questions: Mapping[Call, Sequence[tuple[str, int]]], head: BlockRef) -> Figures:
        answers = await self._network.node.call_many(list(questions), head.number)
        return {
            name: uint(answer, place)
            for answer, names in zip(answers, questions.values(), strict=True)
            for name, place in names
        }

    def _differences(self, subject: str, head: BlockRef, actual: Figures, derived: Figures) -> list[str]:
        self.figures += len(actual)
        return [
            f"{subject}: {name} {actual.get(name)} on chain, {derived.get(name)} here (block {head.number})"
            for name in dict.fromkeys([*actual, *derived])
            if actual.get(name) != derived.get(name)
        ]


_DATA = ("collateral", "debt", "available_borrows", "liquidation_threshold", "ltv", "health_factor")


def pool_of(market: AaveV2Market) -> Address:
    [pool] = market.venues()
    return pool


def _account_questions(market: AaveV2Market, user: Address) -> dict[Call, list[tuple[str, int]]]:
    asked = {
        call(pool_of(market), "getUserAccountData(address)", user): [(n, i) for i, n in enumerate(_DATA)],
        call(pool_of(market), "getUserConfiguration(address)", user): [("configuration", 0)],
    }
    for info in market.assets():
        reserve: Reserve = market.book.get(("reserve", info.asset))
        stable = market.book.get(("stable_token", info.asset))
        for kind, token, view in (
            ("supply", reserve.a_token, "scaledBalanceOf(address)"),
            ("debt", reserve.v_token, "scaledBalanceOf(address)"),
            ("supply with interest", reserve.a_token, "balanceOf(address)"),
            ("debt with interest", reserve.v_token, "balanceOf(address)"),
            ("stable debt with interest", stable, "balanceOf(address)"),
            ("principal", stable, "principalBalanceOf(address)"),
            ("rate", stable, "getUserStableRate(address)"),
            ("updated", stable, "getUserLastUpdated(address)"),
        ):
            asked[call(token, view, user)] = [(f"{kind} {info.symbol}", 0)]
    return asked


def _account(market: AaveV2Market, user: Address, frame: AaveV2Frame) -> Figures:
    book, health = market.book, market.health(user, frame)
    values = {**health.details, "collateral": health.collateral, "debt": health.debt}
    figures: Figures = {name: values.get(name, health.health_factor) for name in _DATA}
    figures["configuration"] = derived_bits(market, user)
    stable = market.stable_debt(user, frame)
    for info in market.assets():
        loan = loan_of(book, user, info.asset)
        owed = stable.get(info.asset, 0)
        # One Holding for each leg: at the variable rate first, then at the stable one.
        held = [each for each in market.holdings(user, frame) if each.asset.asset == info.asset]
        debts = sum(each.amount for each in held if each.side is Side.DEBT)
        supply = sum(each.amount for each in held if each.side is Side.COLLATERAL)
        figures |= {
            f"supply {info.symbol}": book.quantity(user, info.asset, Side.COLLATERAL),
            f"debt {info.symbol}": book.quantity(user, info.asset, Side.DEBT),
            f"supply with interest {info.symbol}": supply,
            f"debt with interest {info.symbol}": debts - owed,
            f"stable debt with interest {info.symbol}": owed,
            f"principal {info.symbol}": loan.principal,
            f"rate {info.symbol}": loan.rate,
            f"updated {info.symbol}": loan.updated,
        }
    return figures


def derived_bits(market: AaveV2Market, user: Address) -> int:
    """The account's configuration map, from the book."""
    bits = 0
    for info in market.assets():
        owes = (
            market.book.quantity(user, info.asset, Side.DEBT)
            or loan_of(market.book, user, info.asset).principal
        )
        bits |= (bool(owes) | market.book.enabled(user, info.asset) << 1) << 2 * info.asset
    return bits


def _meant(configuration: int | None, ours: int) -> int | None:
    """A liquidation of all that is owed leaves the borrowing bit behind."""
    return None if configuration is None else configuration & ~(_BORROWING & ~ours)


_RESERVE_WORDS = (
    ("configuration", 0),
    ("liquidity_index", 1),
    ("borrow_index", 2),
    ("liquidity_rate", 3),
    ("borrow_rate", 4),
    ("updated", 6),
    ("id", 11),
)


def _reserve_questions(market: AaveV2Market, number: int) -> dict[Call, Sequence[tuple[str, int]]]:
    reserve: Reserve = market.book.get(("reserve", number))
    asset, pool, oracle = reserve.asset, pool_of(market), market.book.get(("deployment",)).oracle
    return {
        call(pool, "getReserveData(address)", asset): _RESERVE_WORDS,
        call(pool, "getReserveNormalizedIncome(address)", asset): [("income", 0)],
        call(pool, "getReserveNormalizedVariableDebt(address)", asset): [("debt_index", 0)],
        call(oracle, "getAssetPrice(address)", asset): [("price", 0)],
        call(reserve.v_token, "scaledTotalSupply()"): [("total debt", 0)],
        call(asset, "balanceOf(address)", reserve.a_token): [("liquidity", 0)],
        call(pool, "paused()"): [("paused", 0)],
        call(pool, "FLASHLOAN_PREMIUM_TOTAL()"): [("premium", 0)],
    }


def _reserve(market: AaveV2Market, number: int, frame: AaveV2Frame) -> Figures:
    each = frame.reserves[number]
    accrual = market.book.get(("accrual", number))
    assert each is not None
    assert isinstance(accrual, Accrual)
    [lender] = market.flash_sources()
    return {
        "configuration": market.book.get(("configuration", number)),
        **accrual._asdict(),
        "id": number,
        "income": each.income,
        "debt_index": each.debt_index,
        "price": each.price,
        "total debt": market.book.get(("scaled_debt", number)),
        "liquidity": each.liquidity,
        "paused": int(frame.paused),
        "premium": lender.fee(ZERO_ADDRESS, 10_000),
    }


class Run:
    """Random user and admin actions, followed one by one and compared every so often."""

    def __init__(self, network: Network, follows: Following, seed: int) -> None:
        users = [borrower.address for borrower in network.borrowers]
        self.users = RandomActions(network.actors, users, seed)
        self.admins = AdminActions(network.actors, users, seed)
        self.comparison = Comparison(network)
        self.done: list[Action] = []
        self.differences: list[str] = []
        self._network = network
        self._follows = follows
        self._random = Random(seed)

    @property
    def succeeded(self) -> Counter[str]:
        """How many actions of each kind went through."""
        return Counter(action.kind for action in self.done if action.reverted is None)

    async def steps(self, count: int, every: int = 10) -> None:
        """Perform `count` actions."""
        await self._network.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        for number in range(1, count + 1):
            stream = self.admins if self._random.random() < ADMIN_SHARE else self.users
            self.done.append(await stream.step())
            head = await self._follows.catch_up()
            self._screens_weak(head)
            if number % every == 0 or number == count:
                self.differences += await self.comparison.everything(self._follows, self.users.users)

    def _screens_weak(self, head: BlockRef) -> None:
        """Whoever may be liquidated must not be hidden by the screen, nor may the screen exceed the truth."""
        market = self._follows.market
        frame = market.frame(head.timestamp)
        screened = market.screen(frame)
        for row, account in enumerate(market.book.accounts()):
            factor = market.health(account, frame).health_factor
            if factor < WAD:
                assert screened[row] < 1 + market.screen_margin, account
            elif screened[row] != float("inf"):
                assert screened[row] <= factor / WAD * (1 + market.screen_margin) + 1e-9, account
