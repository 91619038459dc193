"""Every version of Aave on the devnet: deployed, lent from, and through what users and admins do to it."""

from collections import Counter
from dataclasses import replace
from enum import StrEnum
from random import Random

import pytest

from keeper.devnet.aave.admin.actions import AdminActions, AdminKind
from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import STABLE_RATE, VARIABLE_RATE
from keeper.devnet.aave.random.actions import Action, RandomActions
from keeper.devnet.actors import Actors, FlashLoan
from keeper.devnet.feeds import in_ether, in_usd, proxy_contract
from keeper.devnet.network import Network
from keeper.devnet.reverts import DevnetError
from keeper.types import MAX_UINT256, USD, WAD, Address

USER = Address("0x" + "aa" * 20)
OTHER = Address("0x" + "bb" * 20)
OLDER = (Version.V2, Version.V30)
REVISIONS = {
    Version.V2: ("LENDINGPOOL_REVISION", 2),
    Version.V30: ("POOL_REVISION", 1),
    Version.V36: ("POOL_REVISION", 10),
}


class Run:
    """Random user and admin actions on a fresh network of 25 borrowers."""

    def __init__(self, network: Network, seed: int) -> None:
        users = [borrower.address for borrower in network.borrowers]
        self.network = network
        self.users = RandomActions(network.actors, users, seed)
        self.admins = AdminActions(network.actors, users, seed)
        self.done: list[Action] = []
        self._random = Random(seed)

    @property
    def succeeded(self) -> Counter[StrEnum]:
        return Counter(action.kind for action in self.done if action.reverted is None)

    async def steps(self, count: int) -> None:
        await self.network.node.request("anvil_setBlockTimestampInterval", 12)
        for _ in range(count):
            stream = self.admins if self._random.random() < 0.4 else self.users
            self.done.append(await stream.step())


async def lowest_health(network: Network) -> int:
    addresses = [borrower.address for borrower in network.borrowers]
    return min(account.health_factor for account in await network.actors.view.accounts(addresses))


@pytest.mark.parametrize("version", Version)
async def test_network__each_version__has_twenty_five_healthy_borrowers(version: Version) -> None:
    async with Network.start(version=version, borrowers=25) as network:
        getter, revision = REVISIONS[version]
        assert network.market.version is version
        assert await network.market.read_pool(network.node, getter) == revision
        assert await lowest_health(network) > WAD
        for borrower in network.borrowers:
            holdings = await network.actors.view.holdings(borrower.address)
            assert all(holdings[symbol].is_collateral for symbol, _ in borrower.collateral)
            assert all(holdings[symbol].owed >= amount for symbol, amount in borrower.debt)


@pytest.mark.parametrize("version", OLDER)
async def test_network__older_version_on_a_fork__leaves_the_first_chain_alone(version: Version) -> None:
    async with Network.start(version=version, borrowers=5) as first:
        height = await first.node.block_number()
        async with Network.start(version=version, borrowers=5, fork_url=first.anvil.http) as fork:
            assert await lowest_health(fork) > WAD
            old = Actors(fork.node, first.market)
            await old.crash({"WETH": 50})
            assert (await old.prices())["WETH"] == 1250 * USD
        assert (await first.actors.prices())["WETH"] == 2500 * USD
        assert await first.node.block_number() == height


async def test_network__unknown_version__is_refused() -> None:
    with pytest.raises(ValueError, match=r"v3\.9"):
        async with Network.start(version="v3.9"):
            pass


@pytest.mark.parametrize("version", OLDER)
async def test_arbitrageur__older_version_after_a_fall_of_ether__moves_the_pools(version: Version) -> None:
    async with Network.start(version=version, borrowers=5) as network:
        assert await network.arbitrageur.act() == 0
        await network.actors.crash({"WETH": 10})
        assert await network.arbitrageur.act() > 0
        assert await network.arbitrageur.act() == 0


async def test_feeds__v2_ether_falls__other_prices_stay_in_dollars_and_rise_in_ether() -> None:
    async with Network.start(version=Version.V2, borrowers=0) as network:
        before = await network.actors.prices()
        await network.actors.set_prices({"WETH": 2000 * USD})
        assert await network.actors.prices() == before | {"WETH": 2000 * USD}
        tokens = await network.actors.view.tokens()
        assert {symbol: token.price for symbol, token in tokens.items()} == await network.actors.prices()
        feed = network.market.reserve("USDC").feed
        answer = proxy_contract().decode(
            "latestAnswer", await network.node.call(feed, proxy_contract().encode("latestAnswer"))
        )
        assert answer == WAD // 2000


def test_in_usd__of_in_ether__is_the_same_price() -> None:
    random = Random(1)
    for _ in range(1000):
        price, ether = random.randint(1, 10**13), random.randint(1, 10**13)
        assert in_usd(in_ether(price, ether), ether) == price


async def test_market__v30__has_what_its_specification_says() -> None:
    async with Network.start(version=Version.V30, borrowers=0) as network:
        terms, view = await network.actors.view.terms(), network.actors.view
        assert {symbol for symbol, each in terms.listings.items() if each.stable} == {
            "WETH", "wstETH", "USDC", "DAI",
        }  # fmt: skip
        assert [symbol for symbol, each in terms.listings.items() if each.siloed] == ["CRV"]
        assert [symbol for symbol, each in terms.listings.items() if each.debt_ceiling] == ["GOLD"]
        sources = [
            (await network.market.read_pool(network.node, "getEModeCategoryData", category))[3]
            for category in terms.emodes
        ]
        assert [int(source, 16) != 0 for source in sources] == [False, True]
        assert await view.ids() == {symbol: place for place, symbol in enumerate(terms.listings)}


@pytest.mark.parametrize("version", OLDER)
async def test_actors__stable_debt_through_every_action__is_owed_and_paid(version: Version) -> None:
    async with Network.start(version=version, borrowers=0) as network:
        actors = network.actors
        await actors.give(USER, "WBTC", 10**8)
        await actors.supply(USER, "WBTC", 10**8)
        await actors.borrow(USER, "USDC", 1000 * 10**6, rate=STABLE_RATE)
        holding = (await actors.view.holdings(USER))["USDC"]
        assert (holding.owed, holding.owed_stable >= 1000 * 10**6) == (0, True)
        await actors.swap_rate(USER, "USDC", STABLE_RATE)
        holding = (await actors.view.holdings(USER))["USDC"]
        assert (holding.owed >= 1000 * 10**6, holding.owed_stable) == (True, 0)
        await actors.swap_rate(USER, "USDC", VARIABLE_RATE)
        with pytest.raises(DevnetError, match="reverted"):
            await actors.rebalance("USDC", USER)
        await actors.give(USER, "USDC", 2000 * 10**6)
        await actors.repay(USER, "USDC", MAX_UINT256, rate=STABLE_RATE)
        await actors.withdraw(USER, "WBTC", MAX_UINT256)
        assert not any(
            each.supplied or each.owed or each.owed_stable
            for each in (await actors.view.holdings(USER)).values()
        )


@pytest.mark.parametrize("version", Version)
async def test_actors__flash_loans_on_delegated_credit__one_is_debt_one_is_given_back(
    version: Version,
) -> None:
    async with Network.start(version=version, borrowers=0) as network:
        actors = network.actors
        await actors.give(USER, "WBTC", 10**8)
        await actors.supply(USER, "WBTC", 10**8)
        loans = [FlashLoan("USDT", 500 * 10**6, VARIABLE_RATE), FlashLoan("DAI", 10**24)]
        with pytest.raises(DevnetError, match="reverted"):
            await actors.flash_loans(OTHER, loans, for_user=USER)
        await actors.delegate(USER, "USDT", 500 * 10**6, OTHER)
        receipt = await actors.flash_loans(OTHER, loans, for_user=USER)
        assert len(network.market.contracts["PoolInstance"].events("FlashLoan", receipt)) == 2
        holdings = await actors.view.holdings(USER)
        assert holdings["USDT"].owed >= 500 * 10**6
        assert holdings["DAI"].owed == 0
        with pytest.raises(DevnetError, match="reverted"):
            await actors.flash_loans(OTHER, loans[1:], repays=False)


@pytest.mark.parametrize(("version", "seed"), [(Version.V2, 2), (Version.V30, 2), (Version.V36, 2)])
async def test_random__user_and_admin_actions__succeed_in_every_kind(version: Version, seed: int) -> None:
    async with Network.start(version=version, borrowers=25) as network:
        run = Run(network, seed)
        await run.steps(400)
        assert run.users.kinds | run.admins.kinds == set(run.succeeded)
        await run.admins.calm()
        await network.actors.give(USER, "WETH", 10**18)
        await network.actors.supply(USER, "WETH", 10**18)
        await network.actors.withdraw(USER, "WETH", MAX_UINT256)


@pytest.mark.parametrize("version", Version)
async def test_random__same_seed_on_a_second_chain__does_the_same(version: Version) -> None:
    done = []
    for _ in range(2):
        async with Network.start(version=version, borrowers=25) as network:
            run = Run(network, 5)
            await run.steps(120)
            done.append(run.done)
    assert done[0] == done[1]


@pytest.mark.parametrize("version", [Version.V30, Version.V36])
async def test_admins__reserve_dropped__its_number_goes_to_the_next(version: Version) -> None:
    async with Network.start(version=version, borrowers=25) as network:
        run = Run(network, 1)
        numbers = []
        for _ in range(120):
            action = await run.admins.step()
            if action.kind in {AdminKind.DROP, AdminKind.LIST, AdminKind.LIST_AGAIN} and not action.reverted:
                numbers.append((action.kind, set((await network.actors.view.ids()).values())))
        drops = [place for place, (kind, _) in enumerate(numbers[:-1]) if kind is AdminKind.DROP]
        first = len(network.market.reserves)
        for place in drops:
            before, after = numbers[place][1], numbers[place + 1][1]
            if numbers[place + 1][0] is not AdminKind.DROP:
                assert after - before == {min(set(range(first + 4)) - before)}
        assert drops


async def test_actors__market_with_one_reserve_less_adopted__no_longer_sees_it() -> None:
    async with Network.start(version=Version.V2, borrowers=0) as network:
        market = network.market
        network.actors.adopt(replace(market, reserves=market.reserves[:-1]))
        assert list(await network.actors.view.tokens()) == [each.symbol for each in market.reserves[:-1]]
