"""What admins do to a market, at random and on purpose: the followed market equals the contracts after it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from keeper.devnet.aave.admin.actions import AdminActions, AdminKind
from keeper.devnet.aave.dialect import Version
from keeper.devnet.network import Network
from keeper.types import MAX_UINT256, USD, Address
from tests.differential import BLOCK_SECONDS, Comparison, Following, following
from tests.random_run import random_run, self_doubts

SEED = 3
ACTIONS = 150
ADMIN_SHARE = 0.4
TRIES = 5
USER = Address("0x" + "aa" * 20)


@pytest.mark.parametrize("version", [Version.V30, Version.V36])
async def test_index__users_and_admins_at_random__equals_the_contracts_integer_by_integer(
    version: Version,
) -> None:
    async with (
        Network.start(version=version, borrowers=15, seed=SEED) as network,
        following(network.anvil, network.market) as follows,
    ):
        users = [borrower.address for borrower in network.borrowers]
        run = await random_run(
            follows,
            network.actors,
            users,
            seed=SEED,
            actions=ACTIONS,
            every=15,
            admin_share=ADMIN_SHARE,
        )
        assert [str(mismatch) for mismatch in run.mismatches] == []
        assert len(run.done) == ACTIONS
        assert len(set(run.succeeded) & set(AdminKind)) > len(run.kinds & set(AdminKind)) * 3 // 4
        assert run.doubts == []


@dataclass
class Watched:
    """A followed v3.6 market and its admins."""

    network: Network
    follows: Following
    admins: AdminActions
    comparison: Comparison

    async def force(self, kind: AdminKind) -> None:
        """Have an action of `kind` go through, and compare everything after it."""
        for _ in range(TRIES):
            action = await self.admins.do(kind)
            if action is not None and action.reverted is None:
                break
        else:
            pytest.fail(f"{kind} never went through")
        await self.equals()

    async def equals(self) -> None:
        """Every figure is what the contracts say, and a book built anew says the same."""
        self.comparison.adopt(self.network.actors.market)
        assert [str(each) for each in await self.comparison.everything(self.follows)] == []
        assert await self_doubts(self.follows, self.network.actors.market) == []


@asynccontextmanager
async def watched() -> AsyncIterator[Watched]:
    async with (
        Network.start(borrowers=5, seed=SEED) as network,
        following(network.anvil, network.market) as follows,
    ):
        await network.node.request("anvil_setBlockTimestampInterval", BLOCK_SECONDS)
        users = [borrower.address for borrower in network.borrowers]
        admins = AdminActions(network.actors, users, SEED)
        yield Watched(network, follows, admins, Comparison(network.node, network.market, SEED))


async def test_index__deficits_slots_oracle_and_aggregators_change__equals_the_contracts() -> None:
    async with watched() as market:
        await deficit_is_eliminated(market)
        await slot_is_used_again(market)
        await oracle_is_replaced(market)
        await aggregator_is_replaced(market)


async def deficit_is_eliminated(market: Watched) -> None:
    await market.force(AdminKind.BAD_DEBT)
    left = sum(market.follows.market.bad_debt().values())
    assert left > 0
    for _ in range(TRIES):
        await market.force(AdminKind.COVER_DEFICIT)
        before, left = left, sum(market.follows.market.bad_debt().values())
        assert left < before
        if not left:
            return
    pytest.fail("the deficit was never covered in full")


async def slot_is_used_again(market: Watched) -> None:
    """The new reserve is lent and borrowed under the number of another, which accounts had used too."""
    actors = market.network.actors
    await market.force(AdminKind.LIST)
    first = actors.market.reserves[-1].symbol
    await actors.give(USER, first, 10**24)
    await actors.supply(USER, first, 10**24)
    number = (await actors.view.ids())[first]
    await market.force(AdminKind.DROP)
    await market.force(AdminKind.LIST)
    second = actors.market.reserves[-1].symbol
    assert second != first
    assert (await actors.view.ids())[second] == number
    await actors.give(USER, second, 10**24)
    await actors.supply(USER, second, 10**24)
    await actors.borrow(USER, second, 10**6)
    await market.equals()
    await actors.give(USER, second, 10**6)
    await actors.repay(USER, second, MAX_UINT256)
    await market.equals()


async def oracle_is_replaced(market: Watched) -> None:
    actors = market.network.actors
    before = actors.market.oracle
    await market.force(AdminKind.ORACLE)
    assert actors.market.oracle != before
    await market.network.node.send(
        # The oracle before tells other sources from now on, which no longer means anything.
        replace(actors.market, oracle=before).oracle_tx(
            "setAssetSources",
            [actors.market.reserve("WETH").token],
            [actors.market.reserve("WBTC").feed],
        )
    )
    await market.equals()
    await actors.set_prices({"WETH": 2345 * USD})
    await market.equals()


async def aggregator_is_replaced(market: Watched) -> None:
    """What the aggregator before goes on telling no longer means anything."""
    actors = market.network.actors
    old = actors.market.feeds(market.network.node)
    await market.force(AdminKind.AGGREGATOR)
    changed = [
        reserve.symbol
        for reserve in actors.market.reserves
        if old[reserve.symbol].aggregator != reserve.aggregator
    ]
    assert len(changed) == 1
    await old.set_prices({changed[0]: 7 * USD})
    await market.equals()
    await actors.set_prices({changed[0]: 8 * USD})
    await market.equals()
    assert (await actors.prices())[changed[0]] == 8 * USD
