"""A liquidator as the official bots are: for each account a parallel `send_transaction` from one key."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from eth_account import Account
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import Web3Exception

from keeper.devnet.actors import Actors
from keeper.devnet.network import Network
from keeper.plan.model import Plan
from keeper.types import MAX_UINT256, WAD, Address

GAS = 1_000_000
"""Gas limit of every transaction: to ask for an estimate is one more round trip."""


class Wish(NamedTuple):
    """What to liquidate: all that may be repaid, with the sender's own tokens."""

    account: Address
    collateral: str
    debt: str

    @classmethod
    def of(cls, plan: Plan) -> "Wish":
        """The pair of a plan."""
        pair = plan.opportunity
        return cls(plan.account, pair.collateral.symbol, pair.debt.symbol)


class Naive:
    """Owns enough of every debt token, and knows beforehand whom to liquidate and in what."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._key = Account.from_key(keccak(text="naive"))
        self.address = Address(self._key.address.lower())
        self.failed = 0
        """Sends that the node refused."""
        self.hashes: list[bytes] = []
        """Transactions that it took."""

    async def equip(self, wishes: Sequence[Wish]) -> None:
        """Mint what is repaid and let the pool take it."""
        actors = Actors(self._network.node, self._network.market)
        for symbol in sorted({wish.debt for wish in wishes}):
            await actors.give(self.address, symbol, 10**12 * WAD)
        await self._network.node.fund([self.address])

    async def send(self, wishes: Sequence[Wish]) -> None:
        """One transaction an account, all at once, each with the nonce that the node names."""
        provider = AsyncHTTPProvider(self._network.anvil.http)
        web3: AsyncWeb3[Any] = AsyncWeb3(provider)
        try:
            head = await web3.eth.get_block("latest")
            cap = 2 * head["baseFeePerGas"] + 10**9
            await asyncio.gather(*(self._send(web3, wish, cap) for wish in wishes))
        finally:
            await provider.disconnect()

    async def _send(self, web3: AsyncWeb3[Any], wish: Wish, cap: int) -> None:
        market = self._network.market
        data = market.contracts["PoolInstance"].encode(
            "liquidationCall",
            market.reserve(wish.collateral).token,
            market.reserve(wish.debt).token,
            wish.account,
            MAX_UINT256,
            False,
        )
        try:
            nonce = await web3.eth.get_transaction_count(self._key.address, "pending")
            signed = self._key.sign_transaction(
                {
                    "type": 2,
                    "chainId": self._network.anvil.chain_id,
                    "nonce": nonce,
                    "to": web3.to_checksum_address(market.pool),
                    "value": 0,
                    "data": data,
                    "gas": GAS,
                    "maxFeePerGas": cap,
                    "maxPriorityFeePerGas": 10**9,
                }
            )
            self.hashes.append(await web3.eth.send_raw_transaction(signed.raw_transaction))
        except (Web3Exception, ValueError):
            self.failed += 1
