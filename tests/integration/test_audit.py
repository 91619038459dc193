"""The audit finds every corrupted account within one cycle, and mends it."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from keeper.chain.pool import Pool
from keeper.chain.rpc import Rpc
from keeper.devnet.actors import Actors
from keeper.devnet.network import Network
from keeper.index.audit import Auditor
from keeper.index.follower import Follower
from keeper.protocols.base import Market, Side
from keeper.protocols.registry import ADAPTERS
from keeper.types import Address, BlockRef

CORRUPTED = 100
SLICE = 25
SEED = 20261121


class World:
    """A followed market of 130 borrowers, standing at `head`."""

    def __init__(self, network: Network, chain: Pool, follower: Follower, head: BlockRef) -> None:
        self.network = network
        self.chain = chain
        self.follower = follower
        self.market: Market = follower.market
        self.head = head

    async def follow(self) -> None:
        """Go on to the newest block."""
        self.head = await self.chain.block("latest")
        await self.follower.follow(self.head)

    async def cycle(self, auditor: Auditor) -> list[tuple[set[Address], frozenset[Address]]]:
        """One audit of everything: (subjects that differed, subjects healed) of each slice."""
        turns = -(-len(self.market.book.accounts()) // SLICE)
        audits = [await auditor.turn(self.market, self.head) for _ in range(turns)]
        return [({each.subject for each in audit.differences}, audit.healed) for audit in audits]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with Network.start(borrowers=130, seed=3) as network, Rpc(network.anvil.http) as rpc:
        chain = Pool([rpc], network.anvil.chain_id)
        settings = {"addresses_provider": network.market.provider}
        follower = Follower(chain, ADAPTERS["aave-v3"], "devnet", settings)
        head = await chain.block("latest")
        await follower.start(head)
        await follower.follow(head)
        yield World(network, chain, follower, head)


def corrupt(market: Market, account: Address, draw: Random) -> None:
    """Change one thing the book holds of `account`: a quantity, a flag, or the eMode."""
    book = market.book
    legs = list(book.legs(account))
    kind = draw.choice(["quantity", "flag", "emode"])
    asset, side, quantity, enabled = draw.choice(legs)
    if kind == "emode":
        book.set_group(account, book.group(account) + 1)
    elif kind == "flag" and side is Side.COLLATERAL:
        book.set_enabled(account, asset, not enabled)
    else:
        book.set_quantity(account, asset, side, quantity + draw.choice([1, -1, quantity]))


async def test_audit__of_a_sound_book__finds_nothing(world: World) -> None:
    assert all(not wrong and not healed for wrong, healed in await world.cycle(Auditor(world.chain, SLICE)))


async def test_audit__100_corrupted_accounts__found_and_healed_in_one_cycle(world: World) -> None:
    draw = Random(SEED)
    auditor = Auditor(world.chain, SLICE)
    holding = [each for each in world.market.book.accounts() if world.market.book.legs(each)]
    victims = set(draw.sample(holding, CORRUPTED))
    for victim in victims:
        corrupt(world.market, victim, draw)
    rounds = await world.cycle(auditor)
    accounts = set(world.market.book.accounts())
    assert set().union(*(wrong for wrong, _ in rounds)) & accounts == victims
    assert victims <= set().union(*(healed for _, healed in rounds))
    assert not auditor.quarantined & accounts
    assert all(not wrong for wrong, _ in await world.cycle(auditor))
    assert not auditor.quarantined


async def test_audit__an_account_the_book_lost__shows_in_the_totals(world: World) -> None:
    book = world.market.book
    lost = next(a for a in book.accounts() if any(side is Side.DEBT for _, side, _, _ in book.legs(a)))
    owed = [asset for asset, side, _, _ in book.legs(lost) if side is Side.DEBT]
    for asset, side, _, _ in list(book.legs(lost)):
        book.set_quantity(lost, asset, side, 0)
    audit = await Auditor(world.chain, SLICE).compare(world.market, world.head, [], reserves=True)
    by_asset = {info.asset: info.address for info in world.market.assets()}
    assert {by_asset[asset] for asset in owed} <= {
        each.subject for each in audit.differences if each.field == "scaled_debt"
    }


async def test_audit__a_corrupted_reserve__is_healed(world: World) -> None:
    key, accrual = next(iter(world.market.book.items("accrual")))
    world.market.book.put(key, accrual._replace(borrow_index=accrual.borrow_index + 1))
    auditor = Auditor(world.chain, SLICE)
    audit = await auditor.turn(world.market, world.head)
    (asset,) = {info.address for info in world.market.assets() if info.asset == key[1]}
    assert asset in {each.subject for each in audit.differences}
    assert asset in audit.healed
    assert world.market.book.get(key) == accrual


async def test_audit__a_corrupted_total__is_healed(world: World) -> None:
    key, total = next(iter(world.market.book.items("scaled_debt")))
    world.market.book.put(key, total + 1)
    audit = await Auditor(world.chain, SLICE).turn(world.market, world.head)
    assert [each.field for each in audit.differences] == ["total_debt"]
    assert {each.subject for each in audit.differences} == audit.healed
    assert world.market.book.get(key) == total


async def test_audit__a_log_was_missed__a_clean_cycle_ends_the_doubt(world: World) -> None:
    book, auditor = world.market.book, Auditor(world.chain, SLICE)
    debtor, asset = next(
        (account, leg[0])
        for account in book.accounts()
        for leg in book.legs(account)
        if leg[1] is Side.DEBT and len(book.legs(account)) == 2
    )
    book.set_quantity(debtor, asset, Side.DEBT, 0)
    symbol = next(info.symbol for info in world.market.assets() if info.asset == asset)
    actors = Actors(world.network.node, world.network.market)
    await actors.give(debtor, symbol, 10**24)
    await actors.repay(debtor, symbol, 10**4)
    await world.follow()
    assert world.market.gaps() == 1
    assert "gave up more" in (world.market.doubt or "")
    first = await world.cycle(auditor)
    assert debtor in set().union(*(healed for _, healed in first))
    await world.cycle(auditor)
    assert world.market.doubt is None
    assert not auditor.quarantined
