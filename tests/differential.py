"""What the keeper derives from logs against what the contracts themselves answer, integer by integer."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet import aave_market
from keeper.devnet.actors import Actors
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.devnet.random_actions import Action, RandomActions
from keeper.index.follower import Follower
from keeper.index.store import SnapshotStore
from keeper.protocols.aave_v3.frame import AaveFrame
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.records import Accrual
from keeper.protocols.base import Side
from keeper.protocols.registry import ADAPTERS
from keeper.types import ZERO_ADDRESS, Address, BlockRef

BLOCK_SECONDS = 12
"""Chain time of a block while random actions run: with it a seed says everything that happens."""

_TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
_EMODES = range(1, 9)

Figures = Mapping[str, int]


class Mismatch(NamedTuple):
    """One integer on which the contracts and the keeper disagree."""

    seed: int
    block: int
    subject: str
    figure: str
    contract: int | None
    keeper: int | None

    def __str__(self) -> str:
        return (
            f"{self.subject}: {self.figure} is {self.contract} on chain, {self.keeper} in the keeper "
            f"(block {self.block}, seed {self.seed})"
        )


class Following(NamedTuple):
    """A follower on the transport that the daemon uses."""

    chain: Pool
    follower: Follower

    @property
    def market(self) -> AaveV3Market:
        """The followed market."""
        assert isinstance(self.follower.market, AaveV3Market)
        return self.follower.market

    async def catch_up(self) -> BlockRef:
        """Bring the market to the newest block, and return that."""
        head = await self.chain.block()
        await self.follower.follow(head)
        assert self.follower.cursor == head
        assert self.market.doubt is None, self.market.doubt
        return head


@asynccontextmanager
async def following(
    anvil: Anvil,
    market: aave_market.Market,
    *,
    start_block: int | None = None,
    snapshots: SnapshotStore | None = None,
) -> AsyncIterator[Following]:
    """A follower of `market`, started and at the head; it knows the provider and the start block only."""
    async with Pool([Rpc(anvil.http)], anvil.chain_id) as chain:
        follower = Follower(
            chain,
            ADAPTERS["aave-v3"],
            "devnet",
            {"addresses_provider": market.provider},
            snapshots=snapshots,
            start_block=market.start_block if start_block is None else start_block,
        )
        await follower.start(await chain.block())
        follows = Following(chain, follower)
        await follows.catch_up()
        yield follows


class Comparison:
    """Compares a followed market with its contracts, and counts what it compared.

    The accounts are all that ever sent or received a token of the market, found in the tokens' ERC-20
    Transfer logs, which the keeper does not read.
    """

    def __init__(self, node: Node, market: aave_market.Market, seed: int) -> None:
        self._node = node
        self._market = market
        self._seed = seed
        self._users: dict[Address, None] = {}
        self._scanned = market.start_block
        self.accounts = 0
        self.reserves = 0
        self.liquidatable = 0

    async def everything(self, follows: Following, also: Iterable[Address] = ()) -> list[Mismatch]:
        """Every figure of every account that ever appeared, every reserve, every eMode, at the head."""
        head = await follows.catch_up()
        appeared = await self.users(head.number)
        users = list(dict.fromkeys([*appeared, *follows.market.book.accounts(), *also]))
        return [
            *await self._accounts(follows.market, head, users),
            *await self._reserves(follows.market, head),
            *await self._common(follows.market, head),
        ]

    async def health(self, follows: Following, users: Sequence[Address]) -> list[Mismatch]:
        """The six values of getUserAccountData of `users` at the head."""
        head = await follows.catch_up()
        pool = self._market.contracts["PoolInstance"]
        selector = pool.encode("getUserAccountData", ZERO_ADDRESS)[:4]
        calls = [(self._market.pool, selector + _argument(user)) for user in users]
        answers = await self._node.call_many(calls, head.number)
        frame = follows.market.frame(head.timestamp)
        found: list[Mismatch] = []
        for user, answer in zip(users, answers, strict=True):
            actual = dict(zip(_ACCOUNT_DATA, _words(answer), strict=True))
            self.accounts += 1
            self.liquidatable += actual["healthFactor"] < 10**18
            derived = _account_data(follows.market, user, frame)
            found += self._differences(head, f"account {user}", actual, derived)
        return found

    async def users(self, last: int) -> list[Address]:
        """Everybody who ever held an aToken or a debt token up to block `last`."""
        tokens = [address for each in self._market.reserves for address in (each.a_token, each.v_token)]
        scope = {"fromBlock": hex(self._scanned), "toBlock": hex(last)}
        logs = await self._node.request("eth_getLogs", {**scope, "address": tokens, "topics": [_TRANSFER]})
        for log in logs:
            for topic in log["topics"][1:]:
                if int(topic, 16):
                    self._users[Address("0x" + topic[26:])] = None
        self._scanned = last
        return list(self._users)

    async def _accounts(
        self, market: AaveV3Market, head: BlockRef, users: Sequence[Address]
    ) -> list[Mismatch]:
        selectors = self._account_selectors()
        questions = [(to, selector + _argument(user)) for user in users for to, selector in selectors]
        answers = iter(await self._node.call_many(questions, head.number))
        frame = market.frame(head.timestamp)
        found: list[Mismatch] = []
        for user in users:
            actual = dict(zip(_ACCOUNT_DATA, _words(next(answers)), strict=True))
            for name in ("configuration bits", "eMode"):
                actual[name] = _words(next(answers))[0]
            for reserve in self._market.reserves:
                actual[f"scaled {reserve.symbol} supply"] = _words(next(answers))[0]
                actual[f"scaled {reserve.symbol} debt"] = _words(next(answers))[0]
            self.accounts += 1
            derived = _account_data(market, user, frame) | _position(market, user)
            found += self._differences(head, f"account {user}", actual, derived)
        return found

    def _account_selectors(self) -> list[tuple[Address, bytes]]:
        pool, token = self._market.contracts["PoolInstance"], self._market.contracts["ATokenInstance"]
        names = ("getUserAccountData", "getUserConfiguration", "getUserEMode")
        scaled = token.encode("scaledBalanceOf", ZERO_ADDRESS)[:4]
        return [
            *((self._market.pool, pool.encode(name, ZERO_ADDRESS)[:4]) for name in names),
            *((to, scaled) for each in self._market.reserves for to in (each.a_token, each.v_token)),
        ]

    async def _reserves(self, market: AaveV3Market, head: BlockRef) -> list[Mismatch]:
        pool, oracle = self._market.contracts["PoolInstance"], self._market.contracts["AaveOracle"]
        total = self._market.contracts["VariableDebtTokenInstance"].encode("scaledTotalSupply")
        questions = []
        for reserve in self._market.reserves:
            questions += [
                *((self._market.pool, pool.encode(name, reserve.token)) for name in _RESERVE_VIEWS),
                (self._market.oracle, oracle.encode("getAssetPrice", reserve.token)),
                (reserve.v_token, total),
            ]
        answers = iter(await self._node.call_many(questions, head.number))
        frame = market.frame(head.timestamp)
        found: list[Mismatch] = []
        for reserve in self._market.reserves:
            views = [_words(next(answers)) for _ in (*_RESERVE_VIEWS, "price", "total debt")]
            data = dict(zip(_RESERVE_DATA, views[0][:8], strict=True))
            others = dict(
                zip((*_RESERVE_VIEWS[1:], "price", "total debt"), (v[0] for v in views[1:]), strict=True)
            )
            self.reserves += 1
            derived = _reserve(market, data["id"], frame)
            found += self._differences(head, f"reserve {reserve.symbol}", data | others, derived)
        return found

    async def _common(self, market: AaveV3Market, head: BlockRef) -> list[Mismatch]:
        """The eModes and the flash loan premium."""
        pool = self._market.contracts["PoolInstance"]
        questions = [pool.encode("FLASHLOAN_PREMIUM_TOTAL")]
        questions += [pool.encode(view, category) for category in _EMODES for view in _EMODE_VIEWS]
        answers = await self._node.call_many([(self._market.pool, data) for data in questions], head.number)
        words = iter([word for answer in answers for word in _words(answer)])
        found = self._differences(
            head, "pool", {"premium": next(words)}, {"premium": market.book.get(("premium",))}
        )
        for category in _EMODES:
            actual = {name: next(words) for name in _EMODE}
            known = market.book.get(("emode", category))
            derived = known._asdict() if known else dict.fromkeys(_EMODE, 0)
            found += self._differences(head, f"eMode {category}", actual, derived)
        return found

    def _differences(self, head: BlockRef, subject: str, actual: Figures, derived: Figures) -> list[Mismatch]:
        return [
            Mismatch(self._seed, head.number, subject, name, actual.get(name), derived.get(name))
            for name in dict.fromkeys([*actual, *derived])
            if actual.get(name) != derived.get(name)
        ]


_ACCOUNT_DATA = (
    "totalCollateralBase",
    "totalDebtBase",
    "availableBorrowsBase",
    "currentLiquidationThreshold",
    "ltv",
    "healthFactor",
)
_RESERVE_DATA = (
    "configuration",
    "liquidityIndex",
    "currentLiquidityRate",
    "variableBorrowIndex",
    "currentVariableBorrowRate",
    "currentStableBorrowRate",
    "lastUpdateTimestamp",
    "id",
)
_RESERVE_VIEWS = (
    "getReserveData",
    "getReserveNormalizedIncome",
    "getReserveNormalizedVariableDebt",
    "getReserveDeficit",
    "getVirtualUnderlyingBalance",
    "getLiquidationGracePeriod",
)
_EMODE = ("ltv", "threshold", "bonus", "collateral", "borrowable", "ltvzero")
_EMODE_VIEWS = (
    "getEModeCategoryCollateralConfig",
    "getEModeCategoryCollateralBitmap",
    "getEModeCategoryBorrowableBitmap",
    "getEModeCategoryLtvzeroBitmap",
)


def _words(answer: bytes) -> list[int]:
    return [int.from_bytes(answer[start : start + 32]) for start in range(0, len(answer), 32)]


def _argument(user: Address) -> bytes:
    """The ABI's encoder is too slow for tens of thousands of calls."""
    return bytes.fromhex(user[2:]).rjust(32, b"\0")


def _account_data(market: AaveV3Market, user: Address, frame: AaveFrame) -> dict[str, int]:
    health = market.health(user, frame)
    details = health.details
    values = (
        health.collateral,
        health.debt,
        details["available_borrows"],
        details["liquidation_threshold"],
        details["ltv"],
        health.health_factor,
    )
    return dict(zip(_ACCOUNT_DATA, values, strict=True))


def _position(market: AaveV3Market, user: Address) -> dict[str, int]:
    book, bits = market.book, 0
    figures = {"eMode": book.group(user)}
    for info in market.assets():
        supply = book.quantity(user, info.asset, Side.COLLATERAL)
        debt = book.quantity(user, info.asset, Side.DEBT)
        figures |= {f"scaled {info.symbol} supply": supply, f"scaled {info.symbol} debt": debt}
        # The pool keeps two bits a reserve: borrowed, and used as collateral.
        bits |= ((debt > 0) | book.enabled(user, info.asset) << 1) << 2 * info.asset
    return figures | {"configuration bits": bits}


def _reserve(market: AaveV3Market, number: int, frame: AaveFrame) -> dict[str, int]:
    book, reserve = market.book, frame.reserves[number]
    assert reserve is not None
    accrual = book.get(("accrual", number))
    assert isinstance(accrual, Accrual)
    return {
        "configuration": book.get(("configuration", number)),
        "liquidityIndex": accrual.liquidity_index,
        "currentLiquidityRate": accrual.liquidity_rate,
        "variableBorrowIndex": accrual.borrow_index,
        "currentVariableBorrowRate": accrual.borrow_rate,
        "currentStableBorrowRate": 0,
        "lastUpdateTimestamp": accrual.updated,
        "id": reserve.reserve.id,
        "getReserveNormalizedIncome": reserve.income,
        "getReserveNormalizedVariableDebt": reserve.debt_index,
        "getReserveDeficit": market.bad_debt().get(reserve.reserve.asset, 0),
        "getVirtualUnderlyingBalance": book.get(("liquidity", number)),
        "getLiquidationGracePeriod": reserve.grace_until,
        "price": reserve.price,
        "total debt": book.get(("scaled_debt", number)),
    }


@dataclass
class RandomRun:
    """What a run of random actions did and how the comparisons after them went."""

    done: list[Action] = field(default_factory=list)
    comparisons: int = 0
    accounts: int = 0
    reserves: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)

    @property
    def succeeded(self) -> Counter[str]:
        """How many actions of each kind went through."""
        return Counter(action.kind for action in self.done if action.reverted is None)


async def random_run(
    follows: Following, actors: Actors, users: Sequence[Address], *, seed: int, actions: int, every: int = 10
) -> RandomRun:
    """Perform random actions, follow after each one, and compare everything after each `every` of them."""
    run = RandomRun()
    comparison = Comparison(actors.node, actors.market, seed)
    stream = RandomActions(actors, users, seed)
    await actors.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
    for number in range(1, actions + 1):
        run.done.append(await stream.step())
        await follows.catch_up()
        if number % every == 0 or number == actions:
            run.comparisons += 1
            run.mismatches += await comparison.everything(follows, stream.users)
    run.accounts, run.reserves = comparison.accounts, comparison.reserves
    return run
