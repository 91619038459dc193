"""The executor's owner at work: deploying it, opening it to a market, taking things out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import rlp
from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector as selector
from eth_utils.crypto import keccak

from keeper.artifacts import load_artifact
from keeper.clock import Clock
from keeper.errors import ConfigError, Degraded, Unreachable
from keeper.execute.signer import Signer, UnsignedTx
from keeper.ports import Chain, Receipt
from keeper.protocols.base import Market
from keeper.types import ZERO_ADDRESS, Address, Call, checksum

RECEIPT_SECONDS = 120.0
POLL_SECONDS = 0.2

DEPLOY_GAS = 8_000_000
"""Gas limit of the executor's creation, which takes about 5.5 million; the rest is returned."""

VENUES = 64
"""Most venues that the executor opens itself to in one transaction."""


class ExecutorState(NamedTuple):
    """What the executor says of itself."""

    address: Address
    owner: Address
    pending_owner: Address
    operator: Address


class Administrator:
    """Sends the owner's transactions one after the other, each waited for.

    For the owner's rare acts only: the daemon's transactions go through the transaction manager.
    """

    def __init__(self, chain: Chain, chain_id: int, signer: Signer, clock: Clock) -> None:
        self._chain = chain
        self._chain_id = chain_id
        self._signer = signer
        self._clock = clock

    async def deploy(
        self,
        operator: Address | None,
        venues: Sequence[Address],
        factories: Sequence[Address],
        wrapped: Address | None = None,
    ) -> Address:
        """Deploy an executor of the signer's, open to these venues (lenders too) and exchange factories.

        `operator` may run it besides its owner; None: the signer too. `wrapped` is the wrapped native
        token, without which the executor cannot bid for a place in a block.

        Raises:
            CallReverted, Degraded: a transaction would fail or failed.
            Transient: the chain did not answer; look on chain before trying again.
        """
        me = self._signer.address
        arguments = encode(["address"] * 3, [me, operator or me, wrapped or ZERO_ADDRESS])
        nonce = await self._chain.nonce(me, "pending")
        await self._send(None, load_artifact("executor").bytecode + arguments)
        address = created_address(me, nonce)
        await self.open(address, venues, factories)
        return address

    async def open(
        self,
        executor: Address,
        venues: Sequence[Address],
        factories: Sequence[Address],
        routers: Sequence[Address] = (),
    ) -> None:
        """Open the executor to venues (lenders too), exchange factories, and aggregators' routers."""
        for first in range(0, len(venues), VENUES):
            await self._order(
                executor, "set_venues(address[],bool)", list(venues[first : first + VENUES]), True
            )
        for factory in factories:
            await self._order(executor, "set_factory(address,bool)", factory, True)
        for router in routers:
            await self._order(executor, "set_router(address,bool)", router, True)

    async def offer_ownership(self, executor: Address, owner: Address) -> None:
        """Offer the executor to another owner, who must accept."""
        await self._order(executor, "transfer_ownership(address)", owner)

    async def sweep(self, executor: Address, token: Address) -> None:
        """Send the executor's whole balance of `token` to its owner."""
        await self._order(executor, "sweep(address)", token)

    async def _order(self, executor: Address, signature: str, *arguments: Any) -> Receipt:
        types = signature[signature.index("(") + 1 : -1].split(",")
        return await self._send(executor, selector(signature) + encode(types, arguments))

    async def _send(self, to: Address | None, data: bytes) -> Receipt:
        head = await self._chain.block("latest")
        tip = await self._chain.priority_fee()
        gas = DEPLOY_GAS
        if to is not None:
            gas = await self._chain.estimate_gas(Call(to, data), self._signer.address) * 5 // 4
        signed = await self._signer.sign(
            UnsignedTx(
                chain_id=self._chain_id,
                nonce=await self._chain.nonce(self._signer.address, "pending"),
                to=to,
                data=data,
                gas=gas,
                tip=tip,
                cap=2 * head.base_fee + tip,
            )
        )
        await self._chain.send_raw(signed.raw)
        deadline = self._clock.monotonic() + RECEIPT_SECONDS
        while self._clock.monotonic() < deadline:
            receipt = await self._chain.receipt(signed.hash)
            if receipt is not None and not receipt.succeeded:
                raise Degraded(f"transaction {signed.hash} reverted")
            if receipt is not None:
                return receipt
            await self._clock.sleep(POLL_SECONDS)
        raise Unreachable(f"transaction {signed.hash} was not mined within {RECEIPT_SECONDS:.0f} s")


async def executor_state(chain: Chain, address: Address) -> ExecutorState:
    """Read the executor's roles.

    Raises:
        ConfigError: there is no executor at `address`.
    """
    names = ("owner()", "pending_owner()", "operator()")
    answers = await chain.call_many([Call(address, selector(name)) for name in names])
    words = [answer for answer in answers if answer is not None and len(answer) == 32]
    if len(words) != len(names):
        raise ConfigError(
            f"executor.address: {checksum(address)}: no executor there; check address and chain"
        )
    owner, pending, operator = (Address(decode(["address"], word)[0]) for word in words)
    return ExecutorState(address, owner, pending, operator)


async def balances(chain: Chain, holder: Address, tokens: Sequence[Address]) -> dict[Address, int]:
    """Non-zero balances of `holder`, token units."""
    data = selector("balanceOf(address)") + encode(["address"], [holder])
    answers = await chain.call_many([Call(token, data) for token in tokens])
    found = {token: int.from_bytes(answer or b"") for token, answer in zip(tokens, answers, strict=True)}
    return {token: amount for token, amount in found.items() if amount}


def trusted_by(markets: Sequence[Market], lenders: Sequence[Address] = ()) -> list[Address]:
    """What an executor must be open to for `markets`: who takes their liquidations and who lends.

    `lenders` are the configured ones besides. Pools of an exchange lend on their factory's account.
    """
    venues = {venue for market in markets for venue in market.venues()}
    sources = {source.lender for market in markets for source in market.flash_sources()}
    return sorted(venues | sources | set(lenders))


def created_address(sender: Address, nonce: int) -> Address:
    """Where a contract created by `sender` with `nonce` lands (yellow paper, section 7)."""
    encoded: bytes = rlp.encode([bytes.fromhex(sender[2:]), nonce])
    return Address("0x" + keccak(encoded)[12:].hex())
