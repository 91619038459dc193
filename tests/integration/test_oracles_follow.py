"""A market priced by one source of every kind: derived prices are the oracle's, now and in the next block."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import NamedTuple

import pytest

from keeper.devnet.node import Tx
from keeper.devnet.oracles import (
    DAY,
    PriceSource,
    SourceZoo,
    deploy_source,
    deploy_zoo,
    point,
    set_cutoff,
    set_fallback,
)
from keeper.index.book import ColumnarBook
from keeper.index.snapshot import decode, encode
from keeper.protocols.aave_v3.fold_oracle import derive, price_at
from keeper.protocols.aave_v3.records import RECORD_TYPES
from keeper.protocols.oracles import transmit
from keeper.protocols.oracles.suppose import supposing
from keeper.types import USD, WAD, ZERO_ADDRESS, BlockRef, Call
from tests.devnet import Devnet, running_market
from tests.differential import Following, following

STEP = 12
SYMBOLS = ("WETH", "wstETH", "WBTC", "USDC", "DAI", "USDT", "LINK", "GOLD")


class Scene(NamedTuple):
    devnet: Devnet
    zoo: SourceZoo
    follows: Following

    async def act(self, source: PriceSource, name: str, *args: int | str) -> None:
        """One transaction in a block of its own, then `check`."""
        await self.transact(source.tx(self.devnet.market.admin, name, *args))

    async def transact(self, *txs: Tx) -> None:
        await self.devnet.node.send_many(txs)
        await self.check()

    async def check(self, *, read_only: frozenset[str] = frozenset()) -> BlockRef:
        """What the frame says at the head is what the oracle says there, and so is all that is derived."""
        head = await self.follows.catch_up()
        prices = await self.prices(head)
        assert self.framed(head.timestamp) == prices
        known = {symbol for symbol in SYMBOLS if self.derived(symbol, head.timestamp) is not None}
        assert known == set(SYMBOLS) - read_only
        for symbol in known:
            assert self.derived(symbol, head.timestamp) == prices[symbol], symbol
        return head

    async def pass_time(self, seconds: int) -> dict[str, int]:
        """An empty block `seconds` later has the prices that were projected for it; return them."""
        timestamp = await self.devnet.node.timestamp() + seconds
        projected = self.framed(timestamp)
        await self.devnet.node.request("evm_setNextBlockTimestamp", timestamp)
        await self.devnet.node.request("evm_mine")
        head = await self.follows.chain.block()
        assert head.timestamp == timestamp
        assert projected == await self.prices(head)
        await self.check()
        return projected

    def framed(self, timestamp: int) -> dict[str, int]:
        frame = self.follows.market.frame(timestamp)
        by_asset = {r.reserve.asset: r.price for r in frame.reserves if r is not None}
        return {each.symbol: by_asset[each.token] for each in self.devnet.market.reserves}

    def derived(self, symbol: str, timestamp: int) -> int | None:
        return derive(self.follows.market.book, self.devnet.market.reserve(symbol).token, timestamp)

    async def prices(self, head: BlockRef) -> dict[str, int]:
        """The oracle's prices, 0 where it reverts."""
        market = self.devnet.market
        asked = [
            market.contracts["AaveOracle"].encode("getAssetPrice", each.token) for each in market.reserves
        ]
        answers = await self.follows.chain.call_many(
            [Call(market.oracle, data) for data in asked], head.number
        )
        return {
            each.symbol: int.from_bytes(answer or b"")
            for each, answer in zip(market.reserves, answers, strict=True)
        }

    async def make(self, kind: str, *args: PriceSource | int | str | bool) -> PriceSource:
        return await deploy_source(self.devnet.node, self.devnet.market.admin, kind, *args)

    async def replace(self, symbol: str, source: PriceSource) -> None:
        await point(self.devnet.node, self.devnet.market, {symbol: source})

    @property
    def disagreements(self) -> int:
        return self.follows.market.price_checks.total


@asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    async with running_market() as devnet:
        admin = devnet.market.admin
        zoo = await deploy_zoo(devnet.node, admin)
        await point(devnet.node, devnet.market, zoo.by_symbol)
        async with following(devnet.anvil, devnet.market) as follows:
            played = Scene(devnet, zoo, follows)
            await played.check()
            await set_cutoff(devnet.node, admin, zoo.dual)
            await played.check()
            yield played


async def test_one_source_of_each_kind__prices_caps_and_time_move__derived_is_the_oracles() -> None:
    async with scene() as s:
        zoo = s.zoo
        await s.act(zoo.dollar_feed, "transmit", USD * 99 // 100)
        await s.act(zoo.dollar_feed, "transmit", USD * 110 // 100)
        await s.pass_time(3_601)
        await s.act(zoo.dollar, "setPriceCap", USD * 101 // 100)
        await s.act(zoo.euro_feed, "transmit", USD * 120 // 100)
        await s.act(zoo.euro, "setPriceCapRatio", USD * 105 // 100)
        await s.act(zoo.fixed, "setPrice", USD * 98 // 100)
        await s.act(zoo.bond, "setDiscountRatePerYear", WAD // 20)
        await s.act(zoo.rate, "set", 2 * WAD)
        capped = await s.pass_time(STEP)
        later = await s.pass_time(30 * DAY)
        assert later["wstETH"] > capped["wstETH"], "the cap grows by the second"
        assert later["LINK"] > capped["LINK"], "the discount melts by the second"
        now = await s.devnet.node.timestamp()
        await s.act(zoo.ether, "setCapParameters", WAD + WAD // 5, now - DAY, 500)
        await s.act(zoo.rate, "set", WAD + WAD // 10)
        await s.act(zoo.coin, "transmit", 61_000 * USD)
        await s.act(zoo.odd, "set", 2_390 * USD)
        await s.pass_time(90 * DAY)
        assert s.disagreements == 0


async def test_dual_aggregator__public_report__counts_when_the_cutoff_has_passed_without_a_log() -> None:
    async with scene() as s:
        await s.act(s.zoo.dual, "transmit_secondary", 2_490 * USD)
        await s.act(s.zoo.dual, "transmit_again")
        await s.act(s.zoo.dual, "transmit", 2_400 * USD)
        prices = [(await s.pass_time(seconds))["WETH"] // USD for seconds in (5, 20, 1, 10, 1)]
        assert prices == sorted(prices, reverse=True)
        assert (prices[0], prices[-1]) == (2_490, 2_400)
        await s.act(s.zoo.dual, "transmit", 2_300 * USD)
        await s.act(s.zoo.dual, "transmit_secondary_again", 5)
        assert (await s.pass_time(1))["WETH"] == 2_300 * USD
        await set_cutoff(s.devnet.node, s.devnet.market.admin, s.zoo.dual, 600)
        await s.act(s.zoo.dual, "transmit", 2_200 * USD)
        assert (await s.pass_time(500))["WETH"] == 2_300 * USD
        assert (await s.pass_time(200))["WETH"] == 2_200 * USD
        assert s.disagreements == 0


async def test_aggregator__replaced_with_and_without_a_log__is_followed() -> None:
    async with scene() as s:
        feeds = s.devnet.market.feeds(s.devnet.node)
        proxy = PriceSource("price_feed_proxy", feeds["LINK"].proxy)
        await s.replace("LINK", proxy)
        await s.check()
        await feeds.replace_aggregator("LINK", 15 * USD)
        await s.check()
        await feeds.set_prices({"LINK": 16 * USD})
        await s.check()
        assert s.disagreements == 0
        coin = await s.make("price_feed", "BTC / USD", 8, 60_000 * USD)
        await s.act(s.zoo.silent_proxy, "replace", coin.address)
        (found,) = s.follows.market.price_checks.disagreements
        assert (found.derived, found.read, found.relearnt) == (62_000 * USD, 60_000 * USD, True)
        await s.act(coin, "transmit", 59_000 * USD)
        same = await s.make("price_feed", "BTC / USD", 8, 59_000 * USD)
        await s.act(s.zoo.silent_proxy, "replace", same.address)
        await s.devnet.node.mine(50)
        await s.check()
        await s.act(same, "transmit", 58_000 * USD)
        assert s.disagreements == 1, "asked for its aggregator every fifty blocks"


async def test_source__replaced_by_one_that_no_log_follows__is_only_read() -> None:
    async with scene() as s:
        liar = await s.make("price_silent", 14 * USD)
        await s.replace("LINK", await s.make("price_feed_proxy", liar))
        await s.check()
        await s.devnet.node.send(liar.tx(s.devnet.market.admin, "set", 13 * USD))
        await s.check(read_only=frozenset({"LINK"}))
        (found,) = s.follows.market.price_checks.disagreements
        assert (found.derived, found.read, found.relearnt) == (14 * USD, 13 * USD, False)
        await s.devnet.node.send(liar.tx(s.devnet.market.admin, "set", 12 * USD))
        await s.check(read_only=frozenset({"LINK"}))
        provider = await s.make("price_feed", "mETH / ETH", 18, WAD)
        terms = (18, WAD, await s.devnet.node.timestamp() - DAY, 400)
        await s.replace("LINK", await s.make("price_cap_ratio", "m", s.zoo.dollar, provider, True, *terms))
        await s.check()
        await s.act(provider, "transmit", WAD * 11 // 10)
        await s.pass_time(DAY)
        assert s.disagreements == 1


async def test_answer__zero_or_negative__is_the_fallback_oracles() -> None:
    async with scene() as s:
        zoo, market = s.zoo, s.devnet.market
        for answer in (0, -5):
            await s.act(zoo.coin, "transmit", answer)
            await s.act(zoo.dollar_feed, "transmit", answer)
            await s.act(zoo.dual, "transmit_secondary", answer)
        prices = await s.pass_time(STEP)
        assert [prices[symbol] for symbol in ("WBTC", "USDC", "WETH", "wstETH", "LINK")] == [0] * 5
        other = await s.make("price_feed", "BTC / USD", 8, 55_000 * USD)
        tokens, none = [market.reserve("WBTC").token], ZERO_ADDRESS
        args = (market.provider, tokens, [other.address], none, none, USD)
        [fallback] = await s.devnet.node.deploy(
            market.admin, market.contracts["AaveOracle"].deploy_data(*args)
        )
        await set_fallback(s.devnet.node, market, fallback)
        await s.check()
        assert (await s.pass_time(STEP))["WBTC"] == 55_000 * USD
        await s.act(other, "transmit", 54_000 * USD)
        await s.act(zoo.coin, "transmit", 53_000 * USD)
        await s.replace("WBTC", PriceSource("none", ZERO_ADDRESS))
        await s.check()
        await set_fallback(s.devnet.node, market, ZERO_ADDRESS)
        await s.check()
        assert s.disagreements == 0
        number = next(i.asset for i in s.follows.market.assets() if i.symbol == "WBTC")
        assert price_at(s.follows.market.book, number, await s.devnet.node.timestamp()) is None


@pytest.mark.parametrize("seed", [1, 2])
async def test_one_source_of_each_kind__a_hundred_random_steps__derived_is_the_oracles_at_each(
    seed: int,
) -> None:
    draw = Random(seed)
    async with scene() as s:
        zoo = s.zoo
        dollars = {zoo.dollar_feed: 1, zoo.euro_feed: 1, zoo.coin: 62_000, zoo.dual: 2_500}
        for _ in range(100):
            feed = draw.choice(list(dollars))
            answer = draw.choice([dollars[feed] * USD * draw.randint(90, 110) // 100, 0, -1])
            now = await s.devnet.node.timestamp()
            steps: list[tuple[PriceSource, str, tuple[int, ...]]] = [
                (feed, "transmit", (answer,)),
                (zoo.dual, "transmit_secondary", (2_500 * USD + draw.randint(-9, 9) * USD,)),
                (zoo.rate, "set", (WAD + draw.randint(-1, WAD // 2),)),
                (zoo.dollar, "setPriceCap", (USD * draw.randint(95, 110) // 100,)),
                (zoo.euro, "setPriceCapRatio", (USD * draw.randint(95, 110) // 100,)),
                (zoo.fixed, "setPrice", (USD * draw.randint(0, 110) // 100,)),
                (zoo.bond, "setDiscountRatePerYear", (draw.randint(0, WAD),)),
                (
                    zoo.ether,
                    "setCapParameters",
                    (draw.randint(1, 2 * WAD), now - DAY, draw.randint(0, 2_000)),
                ),
                (zoo.odd, "set", (draw.randint(-1, 5_000) * USD,)),
                (zoo.dual, "setCutoffTime", (draw.choice([0, 12, 30, 600]),)),
            ]
            source, name, args = draw.choice(steps)
            await s.act(source, name, *args)
            await s.pass_time(draw.choice([1, 12, 31, 601, DAY]))
        assert s.disagreements == 0


async def test_one_source_of_each_kind__reorganised_restarted_or_rebuilt__is_the_same() -> None:
    async with scene() as s:
        await s.act(s.zoo.dual, "transmit", 2_400 * USD)
        await s.act(s.zoo.coin, "transmit", 61_000 * USD)
        await s.act(s.zoo.ether, "setCapParameters", WAD, await s.devnet.node.timestamp() - DAY, 500)
        await s.devnet.node.request("anvil_reorg", 3, [])
        await s.check()
        await s.act(s.zoo.dual, "transmit", 2_300 * USD)
        await s.pass_time(100)
        book = s.follows.market.book
        assert isinstance(book, ColumnarBook)
        restored = decode(encode(book), RECORD_TYPES)
        assert dict(restored.records()) == dict(book.records())
        async with following(s.devnet.anvil, s.devnet.market) as rebuilt:
            again = Scene(s.devnet, s.zoo, rebuilt)
            await again.check()
            await again.act(s.zoo.dual, "transmit", 2_200 * USD)
            await again.pass_time(31)
            assert again.disagreements == 0


async def test_suppose__pending_transmissions__give_the_prices_of_the_block_that_mines_them() -> None:
    async with scene() as played:
        node, admin, zoo = played.devnet.node, played.devnet.market.admin, played.zoo
        await set_cutoff(node, admin, zoo.dual)
        await played.check()
        pending: list[list[tuple[PriceSource, str, int]]] = [
            [(zoo.dual, "transmit_secondary", 2100 * USD)],  # WETH, and wstETH through its cap
            [(zoo.dual, "transmit", 2000 * USD)],  # hidden from the secondary proxy until the cutoff
            [(zoo.coin, "transmit", 50_000 * USD), (zoo.dollar_feed, "transmit", 2 * USD)],  # capped; LINK's
            [(zoo.euro_feed, "transmit", USD // 2), (zoo.dual, "transmit_secondary", 1900 * USD)],
            [(zoo.coin, "transmit", -5)],
        ]
        for together in pending:
            txs = [source.tx(admin, name, answer) for source, name, answer in together]
            expected = [transmit.decode(tx.to, tx.data) for tx in txs if tx.to]
            timestamp = await node.timestamp() + STEP
            before = played.framed(timestamp)
            book = played.follows.market.book
            with supposing(book, [each for each in expected if each], timestamp):
                supposed = played.framed(timestamp)
            assert played.framed(timestamp) == before
            await node.request("evm_setNextBlockTimestamp", timestamp)
            await played.transact(*txs)
            head = await played.follows.chain.block()
            assert head.timestamp == timestamp
            assert supposed == await played.prices(head)
