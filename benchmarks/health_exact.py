"""Exact health of 100,000 accounts, against asking the pool for each."""

from random import Random
from typing import Any

from eth_utils.address import to_checksum_address
from web3 import AsyncHTTPProvider, AsyncWeb3

from benchmarks.measure import Measurement, rate
from benchmarks.scene import Scene, followed
from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.base import Side
from keeper.types import USD, Address

ACCOUNTS = 100_000
SAMPLE = 200
"""Accounts that the pool is asked for."""


async def health_exact() -> Measurement:
    """Accounts a second whose getUserAccountData is computed, and read from a local Anvil."""
    async with followed(borrowers=SAMPLE) as scene:
        market = synthetic(scene.market)
        frame = market.frame(scene.head.timestamp)
        accounts = market.book.accounts()

        async def compute() -> None:
            for account in accounts:
                market.health(account, frame)

        value = await rate(ACCOUNTS, compute)
        return Measurement(
            "health_exact", value, "accounts/s", "one eth_call per account", await _asked(scene)
        )


def synthetic(original: AaveV3Market) -> AaveV3Market:
    """The same reserves and prices with ACCOUNTS made-up accounts: on average 2 collaterals, 1.5 debts."""
    book, random = ColumnarBook(), Random(1)  # noqa: S311 - reproducible, not secret
    source = original.book
    assert isinstance(source, ColumnarBook)
    for key, value in source.records():
        book.put(key, value)
    market = AaveV3Market("synthetic", book)
    assets = [(info.asset, 10**info.decimals, info.price or USD) for info in market.assets()]
    for number in range(ACCOUNTS):
        account = Address(f"0x{number:040x}")
        worth = int(10 ** random.uniform(1, 6) * USD)
        for asset, unit, price in random.sample(assets, random.randint(1, 3)):
            book.set_quantity(account, asset, Side.COLLATERAL, worth * unit // price)
            book.set_enabled(account, asset, True)
        for asset, unit, price in random.sample(assets, random.randint(1, 2)):
            book.set_quantity(account, asset, Side.DEBT, worth * unit // price * 2 // 5)
    return market


async def _asked(scene: Scene) -> float:
    provider = AsyncHTTPProvider(scene.network.anvil.http)
    web3: AsyncWeb3[Any] = AsyncWeb3(provider)
    market = scene.network.market
    pool = web3.eth.contract(
        address=to_checksum_address(market.pool), abi=market.contracts["PoolInstance"].abi
    )
    users = [to_checksum_address(borrower.address) for borrower in scene.network.borrowers]

    async def ask() -> None:
        for user in users:
            await pool.functions.getUserAccountData(user).call(block_identifier=scene.head.number)

    try:
        return await rate(len(users), ask)
    finally:
        await provider.disconnect()
