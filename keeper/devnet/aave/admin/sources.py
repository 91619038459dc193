"""Random changes of where prices come from: aggregators, sources, the oracle itself."""

from dataclasses import replace

from keeper.devnet.aave.admin.governance import GOVERNANCE
from keeper.devnet.aave.admin.kinds import AdminKind
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.random.draws import Deed, Draw, Draws
from keeper.devnet.contract import Contract
from keeper.devnet.feeds import DECIMALS, ETHER, ETHER_DECIMALS, Feed
from keeper.types import ZERO_ADDRESS, Address


class SourceChanges:
    """Draws changes of price sources. Prices stay within a percent, so that only their origin changes."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._random = draws.random
        self._actors = draws.actors

    def by_kind(self) -> dict[AdminKind, Draw]:
        """How to draw each kind."""
        return {
            AdminKind.SOURCE: self._source,
            AdminKind.AGGREGATOR: self._aggregator,
            AdminKind.FIXED_SOURCE: self._fixed,
            AdminKind.ORACLE: self._oracle,
        }

    async def _source(self) -> Deed:
        symbol, price = await self._near(self._priced())

        async def act() -> None:
            [feed] = await self._actors.feeds.create({symbol: price})
            await self._point(symbol, feed.proxy)
            self._adopt(feed)

        return Deed(f"{symbol} {price}", act)

    async def _aggregator(self) -> Deed:
        symbol, price = await self._near(self._draws.symbols)

        async def act() -> None:
            self._adopt(await self._actors.feeds.replace_aggregator(symbol, price))

        return Deed(f"{symbol} {price}", act)

    async def _fixed(self) -> Deed:
        """A source without rounds, at the price of now; the feed comes back after a while."""
        symbol = self._random.choice(self._priced())

        async def act() -> None:
            market, node = self._actors.market, self._actors.node
            contract = market.contracts["AaveOracle"]
            asked = contract.encode("getAssetPrice", market.reserve(symbol).token)
            answer = contract.decode("getAssetPrice", await node.call(market.oracle, asked))
            decimals = ETHER_DECIMALS if market.dialect.ether else DECIMALS
            code = Contract.built("fixed_price").deploy_data(f"Fixed {symbol}", decimals, answer)
            [source] = await node.deploy(market.admin, code)
            await self._point(symbol, source)

        async def undo() -> None:
            # It may have been dropped in the meantime.
            if symbol in self._draws.symbols:
                await self._point(symbol, self._actors.market.reserve(symbol).feed)

        return Deed(symbol, act, Deed(f"{symbol} back", undo))

    async def _oracle(self) -> Deed:
        """Another oracle contract with the sources of the present one."""

        async def act() -> None:
            market, node = self._actors.market, self._actors.node
            code = GOVERNANCE[market.version].oracle_code(market, await self._sources())
            [oracle] = await node.deploy(market.admin, code)
            await node.send(market.provider_tx("setPriceOracle", oracle))
            self._actors.adopt(replace(market, oracle=oracle))

        return Deed("the same sources", act)

    async def _sources(self) -> dict[Address, Address]:
        """Of every reserve, and of the eModes that have their own."""
        market, node = self._actors.market, self._actors.node
        assets = [reserve.token for reserve in market.reserves]
        if market.version is Version.V30:
            categories = (await self._draws.terms()).emodes
            assets += [
                Address((await market.read_pool(node, "getEModeCategoryData", category))[3])
                for category in categories
            ]
        contract = market.contracts["AaveOracle"]
        answers = await node.call_many(
            [(market.oracle, contract.encode("getSourceOfAsset", asset)) for asset in assets]
        )
        sources = [Address(contract.decode("getSourceOfAsset", answer)) for answer in answers]
        pairs = zip(assets, sources, strict=True)
        return {asset: source for asset, source in pairs if source != ZERO_ADDRESS}

    def _priced(self) -> list[str]:
        """Reserves with a source: where the oracle counts in ether, WETH has none."""
        unpriced = {ETHER} if self._actors.market.dialect.ether else set()
        return [symbol for symbol in self._draws.symbols if symbol not in unpriced]

    async def _near(self, symbols: list[str]) -> tuple[str, int]:
        symbol = self._random.choice(symbols)
        price = (await self._actors.prices())[symbol]
        return symbol, price * self._random.randint(9900, 10_100) // 10_000

    async def _point(self, symbol: str, source: Address) -> None:
        market = self._actors.market
        token = market.reserve(symbol).token
        await self._actors.node.send(market.oracle_tx("setAssetSources", [token], [source]))

    def _adopt(self, feed: Feed) -> None:
        market = self._actors.market
        reserves = tuple(
            replace(reserve, feed=feed.proxy, aggregator=feed.aggregator)
            if reserve.symbol == feed.symbol
            else reserve
            for reserve in market.reserves
        )
        self._actors.adopt(replace(market, reserves=reserves))
