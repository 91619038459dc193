"""A market that the keeper knows by three addresses only, whose tokens include no wrapped ether."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
import tomlkit
from pydantic import SecretStr

from keeper.devnet.aave import v36
from keeper.devnet.aave.market import Market
from keeper.devnet.aave.specs import Rates, ReserveSpec
from keeper.devnet.actors import Actors
from keeper.devnet.exchange.arbitrage import Arbitrageur
from keeper.devnet.exchange.uniswap_v3 import Exchange, PoolPlan, deploy_uniswap_v3
from keeper.execute.signer import LocalSigner
from keeper.types import USD, WAD, Address, checksum
from tests.devnet import Chain, running_chain
from tests.e2e.world import keeper

KEY = "0x" + "5a" * 32
BORROWER = Address("0x" + "ab" * 20)
RATES = Rates(8000, 0, 400, 6000)
RESERVES = (
    ReserveSpec("TREE", "Tree", 18, 40 * USD, 7000, 7500, 10800, 1000, RATES, 100_000),
    ReserveSpec("EURX", "Euro", 6, 110 * USD // 100, 7500, 7800, 10500, 1000, RATES, 50_000_000),
)
POOLS = (PoolPlan("TREE", "EURX", 3000, 5_000_000),)

ANSWERS_ZERO = "0x60206000f3"
"""A contract that returns a word of zeros whatever it is asked."""


class Foreign(NamedTuple):
    """A chain with a market and an exchange that somebody else deployed."""

    chain: Chain
    market: Market
    exchange: Exchange
    config: Path


@pytest.fixture
async def foreign(tmp_path: Path) -> AsyncIterator[Foreign]:
    async with running_chain() as chain:
        owner = (await chain.node.accounts())[4]
        await chain.node.mine(30)
        market = await v36.deploy(chain.node, owner, RESERVES, ())
        actors = Actors(chain.node, market)
        exchange = await deploy_uniswap_v3(chain.node, owner, await actors.view.tokens(), POOLS)
        await chain.node.fund([LocalSigner.from_key(SecretStr(KEY)).address], WAD)
        await actors.give(BORROWER, "TREE", 1_000 * WAD)
        await actors.supply(BORROWER, "TREE", 1_000 * WAD)
        await actors.borrow(BORROWER, "EURX", 25_000 * 10**6)
        await actors.crash({"TREE": 12})
        arbitrageur = await Arbitrageur.deploy(chain.node, owner, exchange, actors.view.tokens)
        await arbitrageur.act()
        config = tmp_path / "keeper.toml"
        document = {
            "chain": {"id": chain.anvil.chain_id, "http": [chain.anvil.http]},
            "deployment": [
                {"name": "theirs", "protocol": "aave-v3", "addresses_provider": checksum(market.provider)}
            ],
            "swap": [
                {
                    "kind": "uniswap-v3",
                    "factory": checksum(exchange.factory),
                    "quoter": checksum(exchange.quoter),
                }
            ],
            "ops": {"port": 0},
        }
        config.write_text(tomlkit.dumps(document))
        yield Foreign(chain, market, exchange, config)


async def test_foreign_market__executor_deployed_by_the_keeper__liquidates(foreign: Foreign) -> None:
    config, secret = foreign.config, {"KEEPER_PRIVATE_KEY": KEY}
    before = (await keeper(config, "positions", "--json")).json
    assert [(each["account"], each["liquidatable"]) for each in before] == [(checksum(BORROWER), True)]

    deployed = await keeper(config, "executor", "deploy", "--json", **secret)
    assert (deployed.code, deployed.err) == (0, "")
    assert deployed.json["executor"] in config.read_text()
    shown = await keeper(config, "executor", "show", "--json")
    assert shown.json["owner"] == shown.json["operator"] == deployed.json["owner"]
    again = await keeper(config, "executor", "deploy", **secret)
    assert (again.code, len(again.err.splitlines())) == (2, 1)
    assert "there is one already" in again.err

    await lends_later(foreign, secret)

    ran = await keeper(config, "run", "--mode", "live", "--once", "--json", **secret)

    assert (ran.code, ran.err) == (0, "")
    (outcome, *_) = [event for event in ran.events if event["event"] == "outcome"]
    assert (outcome["account"], outcome["outcome"]) == (checksum(BORROWER), "success")
    assert int(outcome["realised"]["net_usd"]) > 100 * USD
    after = (await keeper(config, "positions", "--json")).json
    assert int(after[0]["debt"]) < int(before[0]["debt"])
    assert KEY[2:] not in ran.out + ran.err + deployed.out + deployed.err


async def lends_later(foreign: Foreign, secret: dict[str, str]) -> None:
    """A lender that is configured after the deployment is closed until the owner opens the executor to it."""
    config, lender = foreign.config, checksum(Address("0x" + "1e" * 20))
    await foreign.chain.node.request("anvil_setCode", lender, ANSWERS_ZERO)
    with config.open("a") as file:
        file.write(f'\n[[lender]]\nkind = "morpho"\naddress = "{lender}"\n')
    allowed = await keeper(config, "executor", "allow", "--json", **secret)
    assert allowed.json == {"allowed": {"venues": [lender], "factories": [], "routers": []}}
    again = await keeper(config, "executor", "allow", **secret)
    assert (again.code, again.out.strip()) == (0, "It was open to everything configured.")
