"""Every protocol on one devnet: tokens, feeds and the exchange are shared, positions are as made."""

import pytest

from keeper.devnet.deployment import PROTOCOLS
from keeper.devnet.network import Network
from keeper.types import USD

BORROWERS = 10


async def test_devnet__every_protocol_at_once__shares_tokens_and_prices() -> None:
    async with Network.start(protocols=PROTOCOLS, borrowers=BORROWERS) as network:
        assert [deployment.kind for deployment in network.deployments] == list(PROTOCOLS)
        assert [each.borrower_count for each in network.deployments] == [BORROWERS] * len(PROTOCOLS)
        weth = network.prices.address("WETH")
        assert network.market.reserve("WETH").token == weth
        assert network.venus.core.listings["WETH"].token == weth
        assert network.morpho.market("WETH/USDC").params.collateral == weth
        assert await network.arbitrageur.act() == 0

        await network.prices.set({"WETH": 2000 * USD})
        assert (await network.prices.now())["WETH"] == 2000 * USD
        assert (await network.actors.view.tokens())["WETH"].price == 2000 * USD
        assert await network.arbitrageur.act() > 0


async def test_devnet__morpho_borrowers__hold_and_owe_what_they_were_made_with() -> None:
    async with Network.start(protocols=["morpho-blue"], borrowers=BORROWERS) as network:
        core = network.morpho.core
        for borrower in network.morpho.borrowers:
            market_id = bytes.fromhex(borrower.market.id[2:])
            lent, shares, collateral = await core.read("position", market_id, borrower.address)
            assert collateral == borrower.collateral
            assert shares > 0
            assert bool(lent) == bool(borrower.lent)


async def test_devnet__unknown_or_repeated_protocol__is_refused() -> None:
    for protocols in (["compound"], ["venus", "venus"]):
        with pytest.raises(ValueError, match=r"not on the devnet|named twice"):
            async with Network.start(protocols=protocols):
                pass


async def test_devnet__what_is_not_on_it__is_not_found() -> None:
    async with Network.start(protocols=["venus"], borrowers=1) as network:
        with pytest.raises(LookupError):
            _ = network.market
        with pytest.raises(LookupError):
            _ = network.morpho
