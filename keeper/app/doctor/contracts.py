"""Checks of the contracts: they exist, answer, belong together, and the executor lets us in."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector

from keeper.app.administer import trusted_by
from keeper.app.doctor.check import Check
from keeper.config.deployment import PROTOCOL_OPTIONS, Deployment
from keeper.config.lender import Lender
from keeper.config.model import Config
from keeper.config.swap import Swap
from keeper.errors import CallReverted, Degraded, KeeperError
from keeper.execute.signer import Signer
from keeper.index.book import ColumnarBook
from keeper.index.conversation import converse
from keeper.plan.flash_swap import OLDER, VERSION, knows
from keeper.ports import ChainReader
from keeper.protocols.base import Market
from keeper.protocols.lenders import PROOFS
from keeper.protocols.registry import ADAPTERS
from keeper.types import Address, Call, Mode, checksum

ORACLE = "usd_oracle"
"""The key of a deployment whose protocol does not know what its own unit is worth."""


async def contract_checks(config: Config, chain: ChainReader, signer: Signer | None) -> AsyncIterator[Check]:
    """Deployments, swaps and the executor, each contract asked something only it can answer."""
    markets: list[Market] = []
    for deployment in config.deployment:
        name = f"deployment {deployment.name}"
        try:
            market = await _market(deployment, chain)
        except KeeperError as error:
            yield Check(name, ok=False, detail=str(error).removeprefix(f"deployment {deployment.name!r}: "))
            continue
        markets.append(market)
        yield _opened(name, deployment, market, config.mode)
    for swap in config.exchanges:
        try:
            detail = await _swap(swap, chain)
        except KeeperError as error:
            yield Check(f"swap {swap.kind}", ok=False, detail=str(error))
        else:
            yield Check(f"swap {swap.kind}", ok=True, detail=detail)
    for lender in config.lender:
        yield await _lender(lender, chain)
    if config.executor.address is not None:
        trusted = trusted_by(markets, [lender.address for lender in config.lender])
        yield await _executor(config.executor.address, trusted, config, chain, signer)


async def operator_of(chain: ChainReader, executor: Address) -> Address:
    """The account that may make the executor at `executor` liquidate.

    Raises:
        Degraded: what is there is no executor. Transient: no node answers.
    """
    return await _ask_address(chain, executor, "operator()")


class Closed(NamedTuple):
    """What an executor's owner has not opened it to yet."""

    venues: Sequence[Address]
    factories: Sequence[Address]
    routers: Sequence[Address]


async def closed_to(
    executor: Address, trusted: Sequence[Address], config: Config, chain: ChainReader
) -> Closed:
    """What the configuration needs and the executor refuses; `trusted` take liquidations or lend.

    Raises:
        Degraded: what is at `executor` is no executor. Transient: no node answers.
    """
    factories = [swap.factory for swap in config.exchanges]
    routers = [swap.router for swap in config.aggregators]
    return Closed(
        [to for to in trusted if not await _allows(chain, executor, "venues(address)", to)],
        [to for to in factories if not await _allows(chain, executor, "factories(address)", to)],
        [to for to in routers if not await _allows(chain, executor, "routers(address)", to)],
    )


async def _market(deployment: Deployment, chain: ChainReader) -> Market:
    for key, setting in deployment.settings.items():
        if isinstance(setting, str):  # an address, and not a list of markets
            await _code(chain, key, Address(setting))
    opening = ADAPTERS[deployment.protocol].open(deployment.name, deployment.settings, ColumnarBook())
    return await converse(opening, chain, (await chain.block()).number)


def _opened(name: str, deployment: Deployment, market: Market, mode: Mode) -> Check:
    venues = [checksum(venue) for venue in sorted(market.venues())]
    named = venues[0] if len(venues) == 1 else f"{len(venues)} venues known so far"
    detail = f"{deployment.protocol}, {named}"
    asks = ORACLE in PROTOCOL_OPTIONS.get(deployment.protocol, {})
    if not asks or market.unit == "USD" or deployment.settings.get(ORACLE):
        return Check(name, ok=True, detail=detail)
    lack = f"nothing is planned: values are in {market.unit}; name a {ORACLE} that tells prices in USD"
    return Check(name, ok=mode is Mode.WATCH, detail=f"{detail}; {lack}")


async def _swap(swap: Swap, chain: ChainReader) -> str:
    await _code(chain, "factory", swap.factory)
    await _code(chain, "quoter", swap.quoter)
    await _ask(chain, swap.factory, "owner()")
    used = await _ask_address(chain, swap.quoter, "factory()")
    if used != swap.factory:
        raise Degraded(f"the quoter works with factory {checksum(used)}; write the quoter of this factory")
    return f"factory {checksum(swap.factory)}"


async def _lender(lender: Lender, chain: ChainReader) -> Check:
    name = f"lender {lender.kind}"
    try:
        await _code(chain, "address", lender.address)
        await _ask(chain, lender.address, PROOFS[lender.kind])
    except KeeperError as error:
        return Check(name, ok=False, detail=str(error))
    return Check(name, ok=True, detail=checksum(lender.address))


async def _executor(
    executor: Address,
    venues: Sequence[Address],
    config: Config,
    chain: ChainReader,
    signer: Signer | None,
) -> Check:
    try:
        await _code(chain, "executor.address", executor)
        owner = await _ask_address(chain, executor, "owner()")
        operator = await operator_of(chain, executor)
        closed = await closed_to(executor, venues, config, chain)
        [version] = await chain.call_many([Call(executor, VERSION)])
    except KeeperError as error:
        return Check("executor", ok=False, detail=str(error))
    if any(closed):
        names = ", ".join(checksum(address) for kind in closed for address in kind)
        detail = f"{checksum(executor)} is closed to {names}; its owner must run `keeper executor allow`"
        return Check("executor", ok=False, detail=detail)
    if signer is not None and signer.address not in {owner, operator}:
        detail = f"the signer {checksum(signer.address)} is neither owner nor operator; use the key of one"
        return Check("executor", ok=False, detail=detail)
    roles = f"owner {checksum(owner)}, operator {checksum(operator)}"
    return Check("executor", ok=True, detail=roles if knows(version) else f"{roles}; {OLDER}")


async def _code(chain: ChainReader, key: str, address: Address) -> None:
    if not await chain.code(address):
        raise Degraded(f"{key}: {checksum(address)}: no contract there; check address and chain")


async def _allows(chain: ChainReader, executor: Address, signature: str, what: Address) -> bool:
    return int.from_bytes(await _ask(chain, executor, signature, what)) == 1


async def _ask_address(chain: ChainReader, contract: Address, signature: str) -> Address:
    return Address("0x" + (await _ask(chain, contract, signature))[-20:].hex())


async def _ask(chain: ChainReader, contract: Address, signature: str, *addresses: Address) -> bytes:
    """One word from a getter."""
    arguments = encode(["address"] * len(addresses), addresses)
    call = Call(contract, function_signature_to_4byte_selector(signature) + arguments)
    try:
        answer = await chain.call(call)
    except CallReverted:
        answer = b""
    if len(answer) != 32:
        raise Degraded(f"{checksum(contract)} has no {signature}: it is another kind of contract")
    return answer
