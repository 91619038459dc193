"""Borrowers on a real Aave market, what actors and random actions do to it, and whole networks."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from keeper.devnet.aave.positions import open_positions
from keeper.devnet.aave.random.actions import Action, ActionKind, RandomActions
from keeper.devnet.aave.view import MarketView
from keeper.devnet.actors import Actors
from keeper.devnet.borrowers import Borrower, Kind, make_borrowers
from keeper.devnet.network import Network
from keeper.devnet.reverts import DevnetError
from keeper.types import MAX_UINT256, USD, WAD, Address

USER = Address("0x" + "aa" * 20)
OTHER = Address("0x" + "bb" * 20)
LIQUIDATOR = Address("0x" + "cc" * 20)
YEAR = 31_536_000


async def health_factors(network: Network) -> dict[Address, int]:
    addresses = [borrower.address for borrower in network.borrowers]
    accounts = await network.actors.view.accounts(addresses)
    return {address: account.health_factor for address, account in zip(addresses, accounts, strict=True)}


async def assert_as_specified(view: MarketView, borrower: Borrower) -> None:
    """The chain holds what was asked for, give or take the interest of the few seconds since."""
    holdings = await view.holdings(borrower.address)
    assert await view.emode(borrower.address) == borrower.emode
    for symbol, amount in borrower.collateral:
        assert holdings[symbol].is_collateral
        assert amount - 1 <= holdings[symbol].supplied <= amount + amount // 10**6 + 1
    for symbol, amount in borrower.debt:
        assert amount <= holdings[symbol].owed <= amount + amount // 10**6 + 2
    used = {symbol for symbol, _ in borrower.collateral + borrower.debt}
    assert {symbol for symbol, each in holdings.items() if each.supplied or each.owed} == used


async def random_run(seed: int, steps: int) -> tuple[list[Action], dict[str, int]]:
    """Actions on a fresh network, and the bad debt they left behind by symbol."""
    async with Network.start(borrowers=40, seed=7) as network:
        await network.node.request("anvil_setBlockTimestampInterval", 12)
        users = [borrower.address for borrower in network.borrowers]
        actions = RandomActions(network.actors, users, seed)
        done = [await actions.step() for _ in range(steps)]
        deficits = {
            reserve.symbol: await network.market.read_pool(network.node, "getReserveDeficit", reserve.token)
            for reserve in network.market.reserves
        }
        return done, deficits


async def test_network__forty_borrowers__are_healthy_and_as_specified() -> None:
    async with Network.start(borrowers=40, seed=3) as network:
        assert {borrower.kind for borrower in network.borrowers} == set(Kind)
        for borrower in network.borrowers:
            account = await network.actors.view.account(borrower.address)
            assert account.health_factor > WAD
            assert bool(account.debt) == (borrower.kind is not Kind.SUPPLIER)
            await assert_as_specified(network.actors.view, borrower)


async def test_network__same_seed_on_a_second_chain__gives_the_same_health_factors() -> None:
    async with Network.start(borrowers=40, seed=5) as one:
        first = await health_factors(one)
    async with Network.start(borrowers=40, seed=5) as other:
        assert other.borrowers == one.borrowers
        assert await health_factors(other) == first
    assert len(set(first.values())) > 35


async def test_network__volatile_prices_fall__make_more_and_more_borrowers_liquidatable() -> None:
    async with Network.start(borrowers=40, seed=3) as network:
        counts = []
        for percent in (0, 5, 6, 6):
            await network.actors.crash(dict.fromkeys(("WETH", "wstETH", "WBTC", "LINK", "GOLD"), percent))
            counts.append(sum(factor < WAD for factor in (await health_factors(network)).values()))
        assert counts[0] == 0
        assert counts == sorted(counts)
        assert counts[-1] >= 8


async def test_network__on_a_fork_of_another__leaves_the_first_alone() -> None:
    async with Network.start(borrowers=10) as first:
        height = await first.node.block_number()
        async with Network.start(borrowers=10, fork_url=first.anvil.http) as fork:
            assert fork.market.pool != first.market.pool
            assert fork.anvil.chain_id == first.anvil.chain_id
            assert min((await health_factors(fork)).values()) > WAD
            old = Actors(fork.node, first.market)
            await old.crash({"WETH": 50})
            assert (await old.prices())["WETH"] == 1250 * USD
        assert (await first.actors.prices())["WETH"] == 2500 * USD
        assert await first.node.block_number() == height


async def test_network__progress_and_block_time__are_reported_and_kept() -> None:
    seen: list[tuple[str, int, int]] = []
    async with Network.start(borrowers=10, block_time=1, progress=lambda *each: seen.append(each)) as network:
        stages = list(dict.fromkeys(stage for stage, _, _ in seen))
        assert stages == ["anvil", "aave-v3.6", "exchange", "borrowers", "arbitrageur"]
        assert ("borrowers", 10, 10) in seen
        height = await network.node.block_number()
        await asyncio.sleep(2.5)
        assert await network.node.block_number() - height in {2, 3}


async def test_open_positions__prices_below_those_of_the_specification__raises_the_pools_reason() -> None:
    async with Network.start(borrowers=0) as network:
        terms = await network.actors.view.terms()
        listings = {symbol: replace(each, price=each.price * 2) for symbol, each in terms.listings.items()}
        stables = {symbol: terms.listings[symbol] for symbol in ("USDC", "DAI", "USDT")}
        borrowers = make_borrowers(replace(terms, listings=listings | stables), 20, 1)
        with pytest.raises(DevnetError, match="HealthFactorLowerThanLiquidationThreshold"):
            await open_positions(network.node, network.market, borrowers)


async def test_actors__a_user_through_every_action__ends_where_aave_says() -> None:
    async with Network.start(borrowers=0) as network:
        actors = network.actors
        await actors.give(USER, "WETH", 10 * 10**18)
        await actors.supply(USER, "WETH", 10 * 10**18)
        await actors.borrow(USER, "USDT", 1000 * 10**6)
        await actors.advance(YEAR)
        owed = (await actors.view.holdings(USER))["USDT"].owed
        assert owed > 1000 * 10**6
        await actors.give(USER, "USDT", owed)
        await actors.supply(USER, "USDT", 100 * 10**6)
        await actors.repay_with_a_tokens(USER, "USDT", 50 * 10**6)
        await actors.use_as_collateral(USER, "USDT", False)
        await actors.give(OTHER, "USDT", 10 * 10**6)
        await actors.repay(OTHER, "USDT", 10 * 10**6, for_user=USER)
        await actors.repay(USER, "USDT", MAX_UINT256)
        await actors.transfer(USER, "WETH", 10**18, OTHER)
        await actors.transfer_all(USER, "USDT", OTHER)
        await actors.set_emode(USER, 1)
        await actors.withdraw(USER, "WETH", MAX_UINT256)
        await actors.mint_to_treasury("USDT", "WETH")
        assert await actors.view.emode(USER) == 1
        assert not any(each.supplied or each.owed for each in (await actors.view.holdings(USER)).values())
        assert (await actors.view.holdings(network.market.treasury))["USDT"].supplied > 0


async def test_actors__flash_loan__is_given_back_or_reverts() -> None:
    async with Network.start(borrowers=0) as network:
        receipt = await network.actors.flash_loan("DAI", 10**24)
        (loan,) = network.market.contracts["PoolInstance"].events("FlashLoan", receipt)
        assert (loan["amount"], loan["premium"]) == (10**24, 5 * 10**20)
        with pytest.raises(DevnetError, match="reverted"):
            await network.actors.flash_loan("DAI", 10**24, repays=False)


@pytest.mark.parametrize("receive_a_token", [False, True])
async def test_actors__liquidate__pays_the_liquidator_collateral_or_a_tokens(receive_a_token: bool) -> None:
    async with Network.start(borrowers=0) as network:
        actors = network.actors
        await actors.give(USER, "WETH", 10 * 10**18)
        await actors.supply(USER, "WETH", 10 * 10**18)
        await actors.borrow(USER, "USDC", 20_000 * 10**6)
        await actors.crash({"WETH": 10}, steps=2)
        assert (await actors.view.account(USER)).health_factor < WAD
        await actors.give(LIQUIDATOR, "USDC", 20_001 * 10**6)
        receipt = await actors.liquidate(
            LIQUIDATOR, USER, "WETH", "USDC", MAX_UINT256, receive_a_token=receive_a_token
        )
        (event,) = network.market.contracts["PoolInstance"].events("LiquidationCall", receipt)
        assert event["user"] == USER
        assert event["receiveAToken"] is receive_a_token
        assert bool((await actors.view.holdings(LIQUIDATOR))["WETH"].supplied) == receive_a_token


async def test_random_actions__150_steps__succeed_in_every_kind_and_leave_bad_debt() -> None:
    done, deficits = await random_run(seed=1, steps=150)
    kinds = Counter(action.kind for action in done if action.reverted is None)
    assert set(kinds) == set(ActionKind)
    reverted = [action for action in done if action.reverted is not None]
    assert 5 <= len(reverted) <= 50
    assert any(deficits.values())


async def test_random_actions__same_seed_on_a_second_chain__does_the_same() -> None:
    assert await random_run(seed=2, steps=60) == await random_run(seed=2, steps=60)
