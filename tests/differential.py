"""What the keeper derives from logs against what the contracts themselves answer, integer by integer."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from eth_utils.crypto import keccak

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet import aave_market
from keeper.devnet.actors import Actors
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.devnet.random_actions import Action, RandomActions
from keeper.index.book import ColumnarBook
from keeper.index.follower import Follower
from keeper.index.store import SnapshotStore
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.registry import ADAPTERS
from keeper.types import ZERO_ADDRESS, Address, BlockRef
from tests.aave_v3_figures import (
    ACCOUNT_DATA,
    EMODE,
    EMODE_VIEWS,
    RESERVE_DATA,
    RESERVE_VIEWS,
    account_data,
    argument,
    position,
    reserve_data,
    words_of,
)

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


def book_state(follows: Following) -> dict[str, Any]:
    """Everything a book says, without the traces of how it came to say it (rows, order, emptied legs)."""
    book = follows.market.book
    assert isinstance(book, ColumnarBook)
    records = dict(book.records())
    records[("watched",)] = frozenset(records[("watched",)])
    numbers = [info.asset for info in follows.market.assets()]
    accounts = {
        account: (
            book.group(account),
            tuple(book.legs(account)),
            tuple(number for number in numbers if book.enabled(account, number)),
        )
        for account in book.accounts()
    }
    empty = (0, (), ())
    return {"records": records, "accounts": {a: held for a, held in accounts.items() if held != empty}}


class Comparison:
    """Compares a followed market with its contracts, and counts what it compared.

    The accounts are all that ever sent or received a token of the market, found in the tokens' ERC-20
    Transfer logs, which the keeper does not read.
    """

    def __init__(self, node: Node, market: aave_market.Market, seed: int) -> None:
        self._node = node
        self._market = market
        self._seed = seed
        self._listed = list(market.reserves)
        self.accounts = 0
        self.reserves = 0
        self.answers: dict[Address, Figures] = {}
        """What the contracts last said of each account asked for by `health`."""

    async def everything(self, follows: Following, also: Iterable[Address] = ()) -> list[Mismatch]:
        """Every figure of every account that ever appeared, every reserve, every eMode, at the head."""
        head = await follows.catch_up()
        await self._read_list(head)
        appeared = await self._appeared(head.number)
        users = list(dict.fromkeys([*appeared, *follows.market.book.accounts(), *also]))
        return [
            *await self._accounts(follows.market, head, users),
            *await self._reserves(follows.market, head),
            *await self._common(follows.market, head),
        ]

    async def _read_list(self, head: BlockRef) -> None:
        """A reserve may have been dropped: then its token's symbol says nothing to either side."""
        names = await self._market.read_pool(self._node, "getReservesList", block=head.number)
        self._listed = [reserve for reserve in self._market.reserves if reserve.token in set(names)]

    async def health(self, follows: Following, users: Sequence[Address]) -> list[Mismatch]:
        """The six values of getUserAccountData of `users` at the head."""
        head = await follows.catch_up()
        pool = self._market.contracts["PoolInstance"]
        selector = pool.encode("getUserAccountData", ZERO_ADDRESS)[:4]
        calls = [(self._market.pool, selector + argument(user)) for user in users]
        answers = await self._node.call_many(calls, head.number)
        frame = follows.market.frame(head.timestamp)
        found: list[Mismatch] = []
        for user, answer in zip(users, answers, strict=True):
            actual = dict(zip(ACCOUNT_DATA, words_of(answer), strict=True))
            self.accounts += 1
            self.answers[user] = actual
            derived = account_data(follows.market, user, frame)
            found += self._differences(head, f"account {user}", actual, derived)
        return found

    async def _appeared(self, last: int) -> list[Address]:
        """Everybody who ever held an aToken or a debt token up to block `last`."""
        tokens = [address for each in self._market.reserves for address in (each.a_token, each.v_token)]
        scope = {"fromBlock": hex(self._market.start_block), "toBlock": hex(last)}
        logs = await self._node.request("eth_getLogs", {**scope, "address": tokens, "topics": [_TRANSFER]})
        found = {Address("0x" + topic[26:]): None for log in logs for topic in log["topics"][1:]}
        found.pop(ZERO_ADDRESS, None)
        return list(found)

    async def _accounts(
        self, market: AaveV3Market, head: BlockRef, users: Sequence[Address]
    ) -> list[Mismatch]:
        selectors = self._account_selectors()
        questions = [(to, selector + argument(user)) for user in users for to, selector in selectors]
        answers = iter(await self._node.call_many(questions, head.number))
        frame = market.frame(head.timestamp)
        found: list[Mismatch] = []
        for user in users:
            actual = dict(zip(ACCOUNT_DATA, words_of(next(answers)), strict=True))
            for name in ("configuration bits", "eMode"):
                actual[name] = words_of(next(answers))[0]
            for reserve in self._listed:
                actual[f"scaled {reserve.symbol} supply"] = words_of(next(answers))[0]
                actual[f"scaled {reserve.symbol} debt"] = words_of(next(answers))[0]
            self.accounts += 1
            derived = account_data(market, user, frame) | position(market, user)
            found += self._differences(head, f"account {user}", actual, derived)
        return found

    def _account_selectors(self) -> list[tuple[Address, bytes]]:
        pool, token = self._market.contracts["PoolInstance"], self._market.contracts["ATokenInstance"]
        names = ("getUserAccountData", "getUserConfiguration", "getUserEMode")
        scaled = token.encode("scaledBalanceOf", ZERO_ADDRESS)[:4]
        return [
            *((self._market.pool, pool.encode(name, ZERO_ADDRESS)[:4]) for name in names),
            *((to, scaled) for each in self._listed for to in (each.a_token, each.v_token)),
        ]

    async def _reserves(self, market: AaveV3Market, head: BlockRef) -> list[Mismatch]:
        pool, oracle = self._market.contracts["PoolInstance"], self._market.contracts["AaveOracle"]
        total = self._market.contracts["VariableDebtTokenInstance"].encode("scaledTotalSupply")
        questions = []
        for reserve in self._listed:
            questions += [
                *((self._market.pool, pool.encode(name, reserve.token)) for name in RESERVE_VIEWS),
                (self._market.oracle, oracle.encode("getAssetPrice", reserve.token)),
                (reserve.v_token, total),
            ]
        answers = iter(await self._node.call_many(questions, head.number))
        frame = market.frame(head.timestamp)
        found: list[Mismatch] = []
        for reserve in self._listed:
            views = [words_of(next(answers)) for _ in (*RESERVE_VIEWS, "price", "total debt")]
            data = dict(zip(RESERVE_DATA, views[0][:8], strict=True))
            others = dict(
                zip((*RESERVE_VIEWS[1:], "price", "total debt"), (v[0] for v in views[1:]), strict=True)
            )
            self.reserves += 1
            derived = reserve_data(market, data["id"], frame)
            found += self._differences(head, f"reserve {reserve.symbol}", data | others, derived)
        return found

    async def _common(self, market: AaveV3Market, head: BlockRef) -> list[Mismatch]:
        """The list of reserves, the flash loan premium and the eModes."""
        pool = self._market.contracts["PoolInstance"]
        questions = [pool.encode("FLASHLOAN_PREMIUM_TOTAL")]
        questions += [pool.encode(view, category) for category in _EMODES for view in EMODE_VIEWS]
        answers = await self._node.call_many([(self._market.pool, data) for data in questions], head.number)
        words = iter([word for answer in answers for word in words_of(answer)])
        actual = {"premium": next(words)} | {each.symbol: int(each.token, 16) for each in self._listed}
        derived = {info.symbol: int(info.address, 16) for info in market.assets()}
        derived["premium"] = market.book.get(("premium",))
        found = self._differences(head, "pool", actual, derived)
        for category in _EMODES:
            actual = {name: next(words) for name in EMODE}
            known = market.book.get(("emode", category))
            derived = {name: getattr(known, name) if known else 0 for name in EMODE}
            found += self._differences(head, f"eMode {category}", actual, derived)
        return found

    def _differences(self, head: BlockRef, subject: str, actual: Figures, derived: Figures) -> list[Mismatch]:
        return [
            Mismatch(self._seed, head.number, subject, name, actual.get(name), derived.get(name))
            for name in dict.fromkeys([*actual, *derived])
            if actual.get(name) != derived.get(name)
        ]


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
