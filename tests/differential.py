"""What the keeper derives from logs against what the contracts themselves answer, integer by integer."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from eth_utils.crypto import keccak

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.aave import market as aave_market
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.random.draws import Action
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.index.book import ColumnarBook
from keeper.index.store import SnapshotStore
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.base import Market
from keeper.types import ZERO_ADDRESS, Address, BlockRef
from tests.aave_v2_figures import AaveV2Figures
from tests.aave_v3_figures import AaveV3Figures
from tests.figures import Figures, Named, Question, answered
from tests.following import Follows

BLOCK_SECONDS = 12
"""Chain time of a block while random actions run: with it a seed says everything that happens."""

_Subject = TypeVar("_Subject", bound=str)

_TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()

PROTOCOLS = {Version.V2: "aave-v2", Version.V30: "aave-v3", Version.V36: "aave-v3"}
"""The adapter of each version on the devnet."""

FIGURES: Mapping[str, Callable[[Version], Figures]] = {"aave-v2": AaveV2Figures, "aave-v3": AaveV3Figures}
"""By protocol: what is compared."""


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


@dataclass
class Run:
    """What a run of random actions did, of which kinds, and how the comparisons after them went.

    `doubts` are of the keeper itself.
    """

    kinds: frozenset[StrEnum] = frozenset()
    done: list[Action] = field(default_factory=list)
    comparisons: int = 0
    accounts: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> Counter[StrEnum]:
        """How many actions of each kind went through."""
        return Counter(action.kind for action in self.done if action.reverted is None)


class Following(Follows):
    """A follower of an Aave market."""

    @property
    def market(self) -> AaveV3Market:
        """The followed market."""
        assert isinstance(self.follower.market, AaveV3Market)
        return self.follower.market


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
        yield await follow_from(chain, market, start_block, snapshots)


async def follow_from(
    chain: Pool,
    market: aave_market.Market,
    start_block: int | None = None,
    snapshots: SnapshotStore | None = None,
) -> Following:
    """A new follower of `market` on `chain`, at the head; from the market's start block if none is given."""
    settings = {"addresses_provider": market.provider}
    start_block = market.start_block if start_block is None else start_block
    return await Following.start(chain, PROTOCOLS[market.version], settings, start_block, snapshots)


def book_state(follows: Following) -> dict[str, Any]:
    """Everything a book says, without the traces of how it came to say it (rows, order, emptied legs)."""
    market = follows.follower.market
    book = market.book
    assert isinstance(book, ColumnarBook)
    records = dict(book.records())
    records[("watched",)] = frozenset(records[("watched",)])
    numbers = [info.asset for info in market.assets()]
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
    Transfer logs, of which the keeper reads at most the amounts.
    """

    def __init__(self, node: Node, market: aave_market.Market, seed: int) -> None:
        self._node = node
        self._seed = seed
        self._figures = FIGURES[PROTOCOLS[market.version]](market.version)
        self._tokens: dict[Address, None] = {}
        self.adopt(market)
        self.accounts = 0
        self.reserves = 0
        self.answers: dict[Address, Named] = {}
        """What the contracts last said of each account asked for by `health`."""

    def adopt(self, market: aave_market.Market) -> None:
        """Compare with `market` from now on: the same one after its reserves or its oracle have changed."""
        self._market = market
        for reserve in market.reserves:
            self._tokens |= dict.fromkeys(self._figures.tokens(reserve))

    async def everything(self, follows: Following, also: Iterable[Address] = ()) -> list[Mismatch]:
        """Every figure of every account that ever appeared, every reserve, and what is common to all."""
        head = await follows.catch_up()
        market = follows.follower.market
        listed = await self._listed(head)
        appeared = await self._appeared(head.number)
        users = list(dict.fromkeys([*appeared, *market.book.accounts(), *also]))
        return [
            *self._differences(head, "pool", *_lists(listed, market)),
            *await self._accounts(market, head, users, listed),
            *await self._reserves(market, head, listed),
            *await self._common(market, head),
        ]

    async def health(self, follows: Following, users: Sequence[Address]) -> list[Mismatch]:
        """The values of getUserAccountData of `users` at the head."""
        head = await follows.catch_up()
        market = follows.follower.market
        asked = {user: self._figures.health(self._market, user) for user in users}
        frame = market.frame(head.timestamp)
        self.answers |= await self._ask(asked, head)
        found: list[Mismatch] = []
        for user in users:
            self.accounts += 1
            derived = self._figures.derived_health(market, user, frame)
            found += self._differences(head, f"account {user}", self.answers[user], derived)
        return found

    async def _listed(self, head: BlockRef) -> list[aave_market.Reserve]:
        """The reserves that the pool lists, in its order; one that nobody told of has no symbol."""
        names = await self._market.read_pool(self._node, "getReservesList", block=head.number)
        known = {reserve.token: reserve for reserve in self._market.reserves}
        return [known[Address(name.lower())] for name in names]

    async def _appeared(self, last: int) -> list[Address]:
        """Everybody who ever held a token of the market up to block `last`."""
        scope = {"fromBlock": hex(self._market.start_block), "toBlock": hex(last)}
        logs = await self._node.request(
            "eth_getLogs", {**scope, "address": list(self._tokens), "topics": [_TRANSFER]}
        )
        found = {Address("0x" + topic[26:]): None for log in logs for topic in log["topics"][1:]}
        found.pop(ZERO_ADDRESS, None)
        return list(found)

    async def _accounts(
        self, market: Market, head: BlockRef, users: Sequence[Address], listed: list[aave_market.Reserve]
    ) -> list[Mismatch]:
        asked = {user: self._figures.account(self._market, user, listed) for user in users}
        frame = market.frame(head.timestamp)
        found: list[Mismatch] = []
        for user, actual in (await self._ask(asked, head)).items():
            self.accounts += 1
            derived = self._figures.derived_account(market, user, frame)
            meant = self._figures.meant(actual, derived)
            found += self._differences(head, f"account {user}", meant, derived)
        return found

    async def _reserves(
        self, market: Market, head: BlockRef, listed: list[aave_market.Reserve]
    ) -> list[Mismatch]:
        asked = {each.symbol: self._figures.reserve(self._market, each) for each in listed}
        answers = await self._ask(asked, head)
        frame = market.frame(head.timestamp)
        found: list[Mismatch] = []
        for reserve in listed:
            self.reserves += 1
            derived = self._figures.derived_reserve(market, reserve.token, frame)
            subject = f"reserve {reserve.symbol}"
            found += self._differences(head, subject, answers[reserve.symbol], derived)
        return found

    async def _common(self, market: Market, head: BlockRef) -> list[Mismatch]:
        answers = await self._ask(self._figures.common(self._market), head)
        found: list[Mismatch] = []
        for subject, actual in answers.items():
            found += self._differences(head, subject, actual, self._figures.derived_common(market, subject))
        return found

    async def _ask(
        self, asked: Mapping[_Subject, Sequence[Question]], head: BlockRef
    ) -> dict[_Subject, Named]:
        """The contracts' figures by subject."""
        calls = [(each.to, each.data) for questions in asked.values() for each in questions]
        answers = iter(await self._node.call_many(calls, head.number))
        return {subject: answered(questions, answers) for subject, questions in asked.items()}

    def _differences(self, head: BlockRef, subject: str, actual: Named, derived: Named) -> list[Mismatch]:
        return [
            Mismatch(self._seed, head.number, subject, name, actual.get(name), derived.get(name))
            for name in dict.fromkeys([*actual, *derived])
            if actual.get(name) != derived.get(name)
        ]


def _lists(listed: Sequence[aave_market.Reserve], market: Market) -> tuple[Named, Named]:
    """Addresses by symbol, as the pool and as the keeper list them."""
    return (
        {reserve.symbol: int(reserve.token, 16) for reserve in listed},
        {info.symbol: int(info.address, 16) for info in market.assets()},
    )
