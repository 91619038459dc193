"""Anvil processes: they answer, fork one another, keep history, and leave nothing behind."""

import asyncio
from pathlib import Path

import pytest

from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node, Tx
from keeper.devnet.reverts import DevnetError
from keeper.errors import ConfigError, Unreachable
from keeper.types import USD, WAD
from tests.devnet import enter, numbered_account, running_chain, running_market

USER = numbered_account(1)
OTHER = numbered_account(2)


def gone(anvil: Anvil) -> bool:
    return not anvil.home.exists() and not Path(f"/proc/{anvil.process.pid}").exists()


async def test_anvil__body_ends__process_and_home_are_gone() -> None:
    async with Anvil.start(chain_id=1234) as anvil:
        assert anvil.chain_id == 1234
        assert anvil.home.exists()
    assert gone(anvil)


async def test_anvil__body_raises__process_and_home_are_gone() -> None:
    seen: list[Anvil] = []

    async def fail() -> None:
        async with Anvil.start() as anvil:
            seen.append(anvil)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert gone(seen[0])


async def test_anvil__task_cancelled__process_and_home_are_gone() -> None:
    started: asyncio.Queue[Anvil] = asyncio.Queue()

    async def hold() -> None:
        async with Anvil.start() as anvil:
            await started.put(anvil)
            await asyncio.sleep(60)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(hold())
        anvil = await started.get()
        task.cancel()
    assert gone(anvil)


async def test_anvil__killed_from_outside__leaves_nothing_and_is_told_unreachable() -> None:
    async with running_chain() as (anvil, node):
        await node.mine(5)
        anvil.process.kill()
        await anvil.process.wait()
        with pytest.raises(Unreachable):
            await node.block_number()
    assert gone(anvil)


async def test_anvil__port_taken__says_so() -> None:
    async with Anvil.start() as first:
        port = int(first.http.rpartition(":")[2])
        with pytest.raises(ConfigError, match=f"port {port} is taken"):
            async with Anvil.start(port=port):
                pytest.fail("two Anvils cannot share a port")


async def test_anvil__many_blocks__old_state_can_be_read() -> None:
    async with running_chain() as (_, node):
        sender = (await node.accounts())[0]
        first = await node.send(Tx(sender, USER, b"", 5))
        await node.send(Tx(sender, USER, b"", 2))
        await node.mine(1000)
        assert await node.request("eth_getBalance", USER, first["blockNumber"]) == "0x5"
        assert await node.request("eth_getBalance", USER, "latest") == "0x7"


async def test_fork__of_a_local_market__sees_the_same_and_moves_alone() -> None:
    async with running_market() as devnet:
        market = devnet.market
        await enter(devnet.node, market, USER, "WETH", WAD)
        await devnet.node.send(market.borrow(USER, "USDC", 10**9))
        block = await devnet.node.block_number()
        account = await market.read_pool(devnet.node, "getUserAccountData", USER)
        async with running_chain(Anvil.start(fork_url=devnet.anvil.http, fork_block=block)) as (fork, node):
            assert fork.chain_id == devnet.anvil.chain_id
            assert await market.read_pool(node, "getUserAccountData", USER, block=block) == account
            await market.feeds(node).set_prices({"WETH": 1000 * USD})
            await enter(node, market, OTHER, "USDC", 10**10)
            [*_, health] = await market.read_pool(node, "getUserAccountData", USER)
            assert health < WAD
            assert (await market.feeds(devnet.node).prices())["WETH"] == 2500 * USD
            assert await devnet.node.block_number() == block
        assert gone(fork)


async def test_market__deployed_on_a_fork__works_beside_the_first() -> None:
    async with (
        running_market() as first,
        running_market(Anvil.start(fork_url=first.anvil.http)) as second,
    ):
        assert second.market.start_block >= await first.node.block_number()
        assert second.market.pool != first.market.pool
        await enter(second.node, second.market, USER, "WETH", WAD)
        [collateral, *_] = await second.market.read_pool(second.node, "getUserAccountData", USER)
        assert collateral == 2500 * USD


@pytest.mark.parametrize(("block_time", "no_mining"), [(None, False), (None, True), (1.0, False)])
async def test_send_many__any_mining_mode__is_one_block_and_restores_the_mode(
    block_time: float | None, no_mining: bool
) -> None:
    async with running_chain(Anvil.start(block_time=block_time, no_mining=no_mining)) as (_, node):
        modes: list[tuple[str, list[object]]] = [("anvil_getAutomine", []), ("anvil_getIntervalMining", [])]
        before = await node.batch(modes)
        sender = (await node.accounts())[0]
        receipts = await node.send_many([Tx(sender, USER, b"", 1) for _ in range(50)])
        assert len({receipt["blockNumber"] for receipt in receipts}) == 1
        assert await node.batch(modes) == before
        info = await node.request("anvil_nodeInfo")
        assert int(info["environment"]["gasLimit"], 16) == 30_000_000


async def test_send__without_funds__is_refused_and_mining_goes_on() -> None:
    async with running_chain() as (_, node):
        with pytest.raises(DevnetError, match=r"eth_sendTransaction: .*[Ii]nsufficient funds"):
            await node.send(Tx(USER, OTHER, b"", 1))
        assert await node.request("anvil_getAutomine") is True


async def test_node__nobody_listens__is_unreachable_without_a_leak() -> None:
    async with Anvil.start() as anvil:
        url = anvil.http
    async with Node(url) as node:
        with pytest.raises(Unreachable):
            await node.block_number()
