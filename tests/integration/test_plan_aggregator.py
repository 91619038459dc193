"""The aggregator venue against a local server that speaks the documented JSON."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from aiohttp import web

from keeper.errors import Degraded, Unreachable
from keeper.plan.aggregator import Aggregator
from keeper.plan.model import Leg, Plan, Reason, Rejection
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.protocols.base import Market, Opportunity
from keeper.types import USD, WAD, Address, checksum
from tests.listening import listening
from tests.thin_market import BLOCK, GWEI, USDC, WETH, NoChain, ThinMarket, ThinVenue, account

ROUTER = Address("0x" + "0c" * 20)
TAKER = Address("0x" + "0e" * 20)
ETHER = 2000 * USD
DATA = "0x" + "ab" * 100


@dataclass
class Server:
    """Pays `percent` of the oracle's price, in the flat or the nested form; remembers what it was asked."""

    percent: int = 99
    nested: bool = True
    status: int = 200
    delay: float = 0.0
    change: Mapping[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        self.keys.append(request.headers.get("0x-api-key"))
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return web.json_response({"message": "no"}, status=self.status)
        amount = int(request.query["sellAmount"])
        call = {"to": checksum(ROUTER), "data": DATA, "value": "0", "gas": "210000"}
        body: dict[str, Any] = {
            "buyAmount": str(amount * 2000 * self.percent // 100),
            "sellAmount": str(amount),
        }
        if self.nested:
            allowance = {"spender": checksum(ROUTER), "actual": "0"}
            body |= {"liquidityAvailable": True, "transaction": call, "issues": {"allowance": allowance}}
        else:
            body |= {**call, "allowanceTarget": checksum(ROUTER), "estimatedGas": "210000"}
        return web.json_response(body | dict(self.change))

    def aggregator(self, deadline: float = 2.0) -> Aggregator:
        return Aggregator(self.url, 31337, ROUTER, TAKER, deadline, {"0x-api-key": "hidden"})


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    app = web.Application()
    app.router.add_get("/swap/quote", server.answer)
    async with listening(app) as port:
        server.url = f"http://127.0.0.1:{port}/swap/quote"
        yield server


@pytest.mark.parametrize("nested", [True, False])
async def test_quote__documented_answer__amount_gas_router_and_data(nested: bool) -> None:
    async with serving(Server(nested=nested)) as server:
        call = await server.aggregator().quote(WETH.address, USDC.address, WAD)
        assert call == (1980 * WAD, 210_000, ROUTER, bytes.fromhex(DATA[2:]))
        assert server.asked == [
            {
                "chainId": "31337",
                "sellToken": checksum(WETH.address),
                "buyToken": checksum(USDC.address),
                "sellAmount": str(WAD),
                "taker": checksum(TAKER),
            }
        ]
        assert server.keys == ["hidden"]


STRANGER = checksum(Address("0x" + "66" * 20))


@pytest.mark.parametrize(
    "change",
    [
        {"transaction": {"to": STRANGER, "data": DATA}},
        {"allowanceTarget": STRANGER},
        {"liquidityAvailable": False},
        {"buyAmount": "0"},
        {"sellAmount": "5"},
        {"transaction": {"to": checksum(ROUTER), "data": DATA, "value": "1"}},
        {"transaction": {"to": checksum(ROUTER), "data": "0x" + "00" * 4097}},
    ],
)
async def test_quote__a_sale_the_executor_cannot_do__is_refused(change: Mapping[str, Any]) -> None:
    async with serving(Server(change=change)) as server:
        with pytest.raises(Degraded):
            await server.aggregator().quote(WETH.address, USDC.address, WAD)


@pytest.mark.parametrize(
    "broken",
    [Server(status=500), Server(status=429), Server(delay=1), Server(change={"buyAmount": None})],
    ids=["error", "too many", "late", "not the form"],
)
async def test_quote__no_usable_answer_in_time__says_so_without_the_url(broken: Server) -> None:
    async with serving(broken) as server:
        with pytest.raises(Unreachable) as caught:
            await server.aggregator(deadline=0.2).quote(WETH.address, USDC.address, WAD)
        assert "127.0.0.1" not in str(caught.value)
        assert "hidden" not in repr(server.aggregator())


def planner(*aggregators: Aggregator) -> tuple[Market, Planner]:
    top = 10_000 * WAD
    pair = Opportunity(account(1), USDC, WETH, ((1, top),))
    market = ThinMarket({account(1): [pair]}, {account(1): 800})
    chain = cast("Any", NoChain())
    strategy = Strategy(USD, WAD)
    return cast("Market", market), Planner(chain, [ThinVenue({})], strategy, (), aggregators)


async def test_reconsider__pools_buy_nothing__the_best_of_two_aggregators_sells() -> None:
    async with serving(Server(percent=97)) as worse, serving(Server(percent=98)) as better:
        market, decides = planner(worse.aggregator(), better.aggregator())
        [rejection] = await decides.burst(market, BLOCK, BLOCK, [account(1)], GWEI, ETHER)
        assert isinstance(rejection, Rejection)
        assert rejection.reason is Reason.NO_ROUTE
        [plan] = await decides.reconsider(market, BLOCK, BLOCK, [rejection], GWEI, ETHER)
        assert isinstance(plan, Plan)
        seized = plan.settlement.seize
        assert plan.route.legs == (Leg(ROUTER, (), seized, bytes.fromhex(DATA[2:])),)
        assert plan.profit.swap_out == seized * 2000 * 98 // 100
        assert plan.min_profit > 0
        assert len(worse.asked) == len(better.asked) == 1


async def test_reconsider__one_is_late_and_one_pays_too_little__nothing_changes_and_little_time_passes() -> (
    None
):
    async with serving(Server(delay=1)) as late, serving(Server(percent=80)) as low:
        market, decides = planner(late.aggregator(0.2), low.aggregator(0.2))
        [rejection] = await decides.burst(market, BLOCK, BLOCK, [account(1)], GWEI, ETHER)
        assert isinstance(rejection, Rejection)
        started = asyncio.get_running_loop().time()
        assert await decides.reconsider(market, BLOCK, BLOCK, [rejection], GWEI, ETHER) == []
        assert asyncio.get_running_loop().time() - started < 0.9


async def test_reconsider__not_even_the_oracles_price_would_pay_the_gas__nobody_is_asked() -> None:
    async with serving(Server()) as server:
        market, decides = planner(server.aggregator())
        [rejection] = await decides.burst(market, BLOCK, BLOCK, [account(1)], GWEI, ETHER)
        assert isinstance(rejection, Rejection)
        dear = 10_000 * GWEI
        assert await decides.reconsider(market, BLOCK, BLOCK, [rejection], dear, ETHER) == []
        assert server.asked == []
