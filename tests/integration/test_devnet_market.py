"""The Aave market of the devnet behaves like one: lists, lends, prices, accrues, isolates."""

import pytest

from keeper.devnet.aave.specs import DEFAULT_RESERVES
from keeper.devnet.feeds import aggregator_contract
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, balance_of, mint
from keeper.types import USD, WAD
from tests.devnet import Devnet, enter, numbered_account, running_market

YEAR = 365 * 24 * 3600
USER = numbered_account(1)


async def oracle_price(devnet: Devnet, symbol: str) -> int:
    oracle = devnet.market.contracts["AaveOracle"]
    data = oracle.encode("getAssetPrice", devnet.market.reserve(symbol).token)
    return int(oracle.decode("getAssetPrice", await devnet.node.call(devnet.market.oracle, data)))


async def test_market__deployed__lists_every_reserve_at_its_price() -> None:
    async with running_market() as devnet:
        listed = await devnet.market.read_pool(devnet.node, "getReservesList")
        assert list(listed) == [reserve.token for reserve in devnet.market.reserves]
        for spec in DEFAULT_RESERVES:
            assert await oracle_price(devnet, spec.symbol) == spec.price
        assert await devnet.market.read_pool(devnet.node, "POOL_REVISION") == 10
        assert await devnet.market.read_pool(devnet.node, "FLASHLOAN_PREMIUM_TOTAL") == 5
        configured = await devnet.node.call(
            devnet.market.data_provider,
            devnet.market.contracts["AaveProtocolDataProvider"].encode(
                "getReserveConfigurationData", devnet.market.reserve("WBTC").token
            ),
        )
        decimals, ltv, threshold, bonus, factor, *flags = devnet.market.contracts[
            "AaveProtocolDataProvider"
        ].decode("getReserveConfigurationData", configured)
        assert (decimals, ltv, threshold, bonus, factor) == (8, 7300, 7800, 10500, 5000)
        assert flags == [True, True, False, True, False]


@pytest.mark.parametrize("symbol", ["USDC", "USDT", "WBTC"])
async def test_borrow__against_supplied_ether__pays_out_and_is_owed(symbol: str) -> None:
    async with running_market() as devnet:
        node, market = devnet.node, devnet.market
        reserve = market.reserve(symbol)
        amount = 10**reserve.decimals // 100
        await enter(node, market, USER, "WETH", 10 * WAD)
        await node.send(market.borrow(USER, symbol, amount))
        assert await balance_of(node, reserve.token, USER) == amount
        collateral, debt, *_, health = await market.read_pool(node, "getUserAccountData", USER)
        assert collateral == 25_000 * USD
        assert debt == await oracle_price(devnet, symbol) // 100
        assert health > WAD


async def test_borrow__more_than_allowed__is_refused_by_name() -> None:
    async with running_market() as devnet:
        await enter(devnet.node, devnet.market, USER, "WETH", WAD)
        with pytest.raises(DevnetError, match=r"CollateralCannotCoverNewBorrow\(\)"):
            await devnet.node.send(devnet.market.borrow(USER, "USDC", 2_050 * 10**6))


async def test_emode__entered__lends_up_to_its_own_limit() -> None:
    async with running_market() as devnet:
        node, market = devnet.node, devnet.market
        await enter(node, market, USER, "wstETH", WAD)
        await node.send(market.pool_tx(USER, "setUserEMode", 1))
        await node.send(market.borrow(USER, "WETH", 107 * WAD // 100))
        *_, threshold, ltv, health = await market.read_pool(node, "getUserAccountData", USER)
        assert (threshold, ltv) == (9500, 9300)
        assert WAD < health < 105 * WAD // 100


async def test_isolated_collateral__enabled__borrows_only_what_isolation_allows() -> None:
    async with running_market() as devnet:
        node, market = devnet.node, devnet.market
        await enter(node, market, USER, "GOLD", WAD)
        gold = market.reserve("GOLD").token
        await node.send(market.pool_tx(USER, "setUserUseReserveAsCollateral", gold, True))
        await node.send(market.borrow(USER, "DAI", 1_000 * WAD))
        with pytest.raises(DevnetError, match="AssetNotBorrowableInIsolation"):
            await node.send(market.borrow(USER, "USDT", 10**6))


async def test_silent_token__approved_twice__refuses_like_the_real_one() -> None:
    async with running_market() as devnet:
        node, tether = devnet.node, devnet.market.reserve("USDT").token
        await node.fund([USER])
        await node.send_many([mint(tether, USER, 10), approve(tether, USER, devnet.market.pool, 5)])
        assert await node.call(tether, approve(tether, USER, devnet.market.pool, 0).data) == b""
        with pytest.raises(DevnetError):
            await node.send(approve(tether, USER, devnet.market.pool, 6))


async def test_prices__set__move_together_in_one_block_and_are_logged_by_the_aggregators() -> None:
    async with running_market() as devnet:
        feeds = devnet.market.feeds(devnet.node)
        receipts = await feeds.set_prices({"WETH": 2000 * USD, "WBTC": 50_000 * USD})
        assert len({receipt["blockHash"] for receipt in receipts}) == 1
        for receipt, symbol, price in zip(receipts, ("WETH", "WBTC"), (2000, 50_000), strict=True):
            [event] = aggregator_contract().events("AnswerUpdated", receipt)
            assert event["address"] == devnet.market.reserve(symbol).aggregator
            assert (event["current"], event["roundId"]) == (price * USD, 2)
            assert event["updatedAt"] == await devnet.node.timestamp()
            assert await oracle_price(devnet, symbol) == price * USD


async def test_aggregator__replaced__proxy_answers_from_the_new_one() -> None:
    async with running_market() as devnet:
        feeds = devnet.market.feeds(devnet.node)
        old = feeds["LINK"].aggregator
        new = await feeds.replace_aggregator("LINK", 13 * USD)
        assert new.aggregator != old
        assert await oracle_price(devnet, "LINK") == 13 * USD
        await feeds.set_prices({"LINK": 12 * USD})
        assert (await feeds.prices())["LINK"] == 12 * USD
        phase = await devnet.node.call(new.proxy, bytes.fromhex("58303b10"))
        assert int.from_bytes(phase) == 2


async def test_interest__after_a_year__has_grown_the_debt_at_the_stored_rate() -> None:
    async with running_market() as devnet:
        node, market = devnet.node, devnet.market
        await enter(node, market, USER, "WETH", 100_000 * WAD)
        await node.send(market.borrow(USER, "USDC", 100_000_000 * 10**6))
        before = await market.read_pool(node, "getUserAccountData", USER)
        block = await node.block_number()
        await node.advance(YEAR)
        after = await market.read_pool(node, "getUserAccountData", USER)
        assert 1.011 < after[1] / before[1] < 1.013
        assert await market.read_pool(node, "getUserAccountData", USER, block=block) == before


async def test_thousands_of_transactions__sent_together__are_mined_in_order() -> None:
    async with running_market() as devnet:
        node, market = devnet.node, devnet.market
        users = [numbered_account(number) for number in range(300)]
        await node.fund(users)
        weth = market.reserve("WETH").token
        steps = [
            step
            for user in users
            for step in (
                mint(weth, user, WAD),
                approve(weth, user, market.pool),
                market.supply(user, "WETH", WAD),
                market.borrow(user, "USDC", 10**9),
            )
        ]
        receipts = await node.send_many(steps)
        places = [(int(each["blockNumber"], 16), int(each["transactionIndex"], 16)) for each in receipts]
        assert places == sorted(places)
        assert len(receipts) == len(steps)
        assert (
            int((await node.request("eth_getBlockByNumber", "latest", False))["number"], 16) == places[-1][0]
        )
