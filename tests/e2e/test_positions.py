"""`keeper positions` on a thousand borrowers: the contract's own integers, at any block."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from keeper.devnet.aave.view import AccountData
from keeper.types import MAX_UINT256, WAD, checksum
from tests.e2e.world import World, keeper

pytestmark = pytest.mark.asyncio(loop_scope="module")

BORROWERS = 1_000
YEAR = 365 * 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with World.start(tmp_path_factory.mktemp("many"), borrowers=BORROWERS) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def blocks(world: World) -> list[int]:
    """Blocks with different states: after the set-up, after interest and user actions, after a crash."""
    node, actors = world.network.node, world.network.actors
    found = [await node.block_number()]
    await actors.advance(YEAR // 12)
    users = [borrower for borrower in world.network.borrowers if borrower.debt]
    await actors.give(users[0].address, users[0].debt[0].symbol, users[0].debt[0].amount)
    await actors.repay(users[0].address, users[0].debt[0].symbol, users[0].debt[0].amount // 3)
    await actors.give(users[1].address, "WETH", WAD)
    await actors.supply(users[1].address, "WETH", WAD)
    found.append(await node.block_number())
    await actors.crash({"WETH": 30, "wstETH": 31, "WBTC": 25, "DAI": -3})
    await actors.advance(1)
    found.append(await node.block_number())
    return found


def row(data: AccountData) -> dict[str, str]:
    """What getUserAccountData says, under the names of the JSON."""
    return {
        "collateral": str(data.collateral),
        "debt": str(data.debt),
        "available_borrows": str(data.available),
        "liquidation_threshold": str(data.threshold),
        "ltv": str(data.ltv),
        "health_factor": str(data.health_factor),
    }


async def on_chain(world: World, block: int) -> dict[str, dict[str, str]]:
    """What the pool says of every borrower with debt at `block`, by checksummed address."""
    users = [borrower.address for borrower in world.network.borrowers]
    answers = await world.network.actors.view.accounts(users, block)
    return {checksum(user): row(data) for user, data in zip(users, answers, strict=True) if data.debt}


def numbers(position: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    return {name: position[name] for name in names}


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_positions__thousand_borrowers__equal_the_pool_integer_by_integer(
    place: int, world: World, blocks: list[int], tmp_path: Path
) -> None:
    block = blocks[place]
    result = await keeper(world.config(tmp_path), "positions", "--json", "--block", str(block))
    assert (result.code, result.err) == (0, "")

    expected = await on_chain(world, block)
    found = {position["account"]: position for position in result.json}
    assert set(found) == set(expected)
    wrong = [account for account, data in expected.items() if numbers(found[account], data) != data]
    assert wrong == []
    assert len(expected) > BORROWERS * 0.9
    factors = [int(position["health_factor"]) for position in result.json]
    assert factors == sorted(factors)
    assert factors[-1] < MAX_UINT256
    assert [position["liquidatable"] for position in result.json] == [each < WAD for each in factors]
    assert {(p["block"], p["unit"], p["deployment"]) for p in result.json} == {(block, "USD", "aave-devnet")}
    assert any(each < WAD for each in factors) is (place == 2)


async def test_positions__limit_and_below__cut_the_same_list(
    world: World, blocks: list[int], tmp_path: Path
) -> None:
    config = world.config(tmp_path)
    everything = (await keeper(config, "positions", "--json")).json
    assert everything[0]["block"] == blocks[-1]
    first = await keeper(config, "positions", "--json", "--limit", "7")
    assert first.json == everything[:7]
    below = await keeper(config, "positions", "--json", "--below", "1.05")
    bound = int(Decimal("1.05") * WAD)
    assert below.json == [each for each in everything if int(each["health_factor"]) < bound]
    assert 7 < len(below.json) < len(everything)
