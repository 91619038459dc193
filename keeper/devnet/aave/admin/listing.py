"""Reserves that come and go: new ones, dropped ones, and dropped ones listed again under any free number."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.devnet.aave.admin.governance import GOVERNANCE
from keeper.devnet.aave.admin.kinds import AdminKind
from keeper.devnet.aave.market import STABLE_RATE, VARIABLE_RATE, Market, Reserve
from keeper.devnet.aave.random.draws import Deed, Draw, Draws
from keeper.devnet.aave.setup import liquidity_steps
from keeper.devnet.aave.specs import Rates, ReserveSpec
from keeper.devnet.actors import STRANGER
from keeper.devnet.feeds import Feed, Feeds
from keeper.devnet.ground import Ground, deploy_tokens
from keeper.devnet.node import Tx
from keeper.devnet.tokens import mint
from keeper.types import MAX_UINT256, USD, ZERO_ADDRESS, Address

_MOST = 3
"""New reserves that are there at one time."""

_TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()


class _Listed(NamedTuple):
    spec: ReserveSpec
    reserve: Reserve


class Listings:
    """Draws listings and removals; only what was listed here is removed."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._random = draws.random
        self._actors = draws.actors
        self._governance = GOVERNANCE[draws.actors.market.version]
        self._listed: list[_Listed] = []
        self._dropped: list[_Listed] = []
        self._count = 0

    def by_kind(self) -> dict[AdminKind, Draw]:
        """How to draw each kind."""
        return {
            AdminKind.LIST: self._list,
            AdminKind.DROP: self._drop,
            AdminKind.LIST_AGAIN: self._list_again,
        }

    async def _list(self) -> Deed | None:
        if len(self._listed) >= _MOST:
            return None
        spec = self._spec()

        async def act() -> None:
            market, node = self._actors.market, self._actors.node
            tokens = await deploy_tokens(node, market.admin, [spec])
            await self._actors.feeds.create({spec.symbol: spec.price})
            await self._join(spec, Ground(tokens, self._actors.feeds))

        return Deed(str(spec), act)

    async def _list_again(self) -> Deed | None:
        """The same token and feed, new aTokens and debt tokens."""
        if not self._dropped or len(self._listed) >= _MOST:
            return None
        old = self._dropped[0]
        feed = Feed(old.spec.symbol, old.reserve.feed, old.reserve.aggregator)

        async def act() -> None:
            feeds = Feeds(self._actors.node, self._actors.market.admin, [feed])
            await self._join(old.spec, Ground({old.spec.symbol: old.reserve.token}, feeds))
            self._dropped.remove(old)

        return Deed(old.spec.symbol, act)

    async def _drop(self) -> Deed | None:
        if not self._listed:
            return None
        symbol = self._random.choice(self._listed).spec.symbol

        async def act() -> None:
            await self._empty(symbol)
            market = self._actors.market
            reserve = market.reserve(symbol)
            await self._actors.node.send(market.configurator_tx("dropReserve", reserve.token))
            listed = next(each for each in self._listed if each.spec.symbol == symbol)
            self._listed.remove(listed)
            # Its feed may have changed since it was listed.
            self._dropped.append(listed._replace(reserve=reserve))
            self._adopt([each for each in market.reserves if each.symbol != symbol])

        return Deed(symbol, act)

    def _spec(self) -> ReserveSpec:
        self._count += 1
        threshold = self._random.randint(50, 80) * 100
        return ReserveSpec(
            symbol=f"NEW{self._count}",
            name=f"New token {self._count}",
            decimals=self._random.choice([6, 8, 18]),
            price=int(10 ** self._random.uniform(-1, 3) * USD),
            ltv=threshold - 300,
            threshold=threshold,
            bonus=self._random.randint(103, 110) * 100,
            reserve_factor=1000,
            rates=Rates(8000, 0, 400, 10_000),
            liquidity=self._random.choice([0, 10**5]),
            borrowable_in_isolation=True,
            stable=self._random.random() < 0.5,
        )

    async def _join(self, spec: ReserveSpec, ground: Ground) -> None:
        market, node = self._actors.market, self._actors.node
        token, feed = ground.tokens[spec.symbol], ground.feeds[spec.symbol]
        await node.send(market.oracle_tx("setAssetSources", [token], [feed.proxy]))
        [reserve] = await self._governance.list_reserves(node, market, ground, [spec])
        self._listed.append(_Listed(spec, reserve))
        self._adopt([*market.reserves, reserve])
        await node.send_many(list(liquidity_steps(self._actors.market, [spec])))

    def _adopt(self, reserves: Iterable[Reserve]) -> None:
        self._actors.adopt(replace(self._actors.market, reserves=tuple(reserves)))

    async def _empty(self, symbol: str) -> None:
        """Everybody leaves: debts are paid by a stranger, then suppliers and the treasury withdraw."""
        actors, holders = self._actors, await self._holders(symbol)
        holdings = {holder: (await actors.view.holdings(holder))[symbol] for holder in holders}
        await self._back(symbol)
        for holder, holding in holdings.items():
            for rate, owed in ((VARIABLE_RATE, holding.owed), (STABLE_RATE, holding.owed_stable)):
                if owed:
                    await actors.give(STRANGER, symbol, owed * 2)
                    await actors.repay(STRANGER, symbol, owed * 2, for_user=holder, rate=rate)
        await actors.mint_to_treasury(symbol)
        treasury = actors.market.treasury
        for holder in dict.fromkeys([*holders, treasury]):
            if (await actors.view.holdings(holder))[symbol].supplied:
                await actors.withdraw(holder, symbol, MAX_UINT256)

    async def _back(self, symbol: str) -> None:
        """Somebody makes good for what is missing, so that the last supplier is paid too."""
        actors, reserve = self._actors, self._actors.market.reserve(symbol)
        supply = self._actors.market.contracts["ATokenInstance"].encode("totalSupply")
        total = int.from_bytes(await actors.node.call(reserve.a_token, supply))
        await actors.node.fund([STRANGER])
        await actors.node.send_many([_donation(reserve, total)])

    async def _holders(self, symbol: str) -> list[Address]:
        """Everybody who ever had any of the reserve's tokens."""
        market: Market = self._actors.market
        reserve = market.reserve(symbol)
        tokens = [reserve.a_token, reserve.v_token, reserve.s_token]
        logs = await self._actors.node.request(
            "eth_getLogs",
            {
                "fromBlock": hex(market.start_block),
                "address": [token for token in tokens if token != ZERO_ADDRESS],
                "topics": [_TRANSFER],
            },
        )
        parties = [Address("0x" + topic[26:]) for log in logs for topic in log["topics"][1:]]
        return [party for party in dict.fromkeys(parties) if party != ZERO_ADDRESS]


def _donation(reserve: Reserve, amount: int) -> Tx:
    return mint(reserve.token, STRANGER, amount)._replace(
        data=mint(reserve.token, reserve.a_token, amount).data
    )
