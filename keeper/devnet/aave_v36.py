"""Deploys an Aave v3.6 market from the installed package, lists reserves and supplies liquidity.

The order of the steps is that of the protocol: each reads what the one before stored.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_abi.abi import encode

from keeper.devnet.aave_contracts import LIBRARIES, link, load_contracts
from keeper.devnet.aave_market import Market, Reserve
from keeper.devnet.aave_specs import DEFAULT_EMODES, DEFAULT_RESERVES, EModeSpec, ReserveSpec
from keeper.devnet.contract import Contract
from keeper.devnet.feeds import Feeds, deploy_feeds
from keeper.devnet.node import Node, Tx
from keeper.devnet.solidity import Progress
from keeper.devnet.tokens import approve, mint, token_contract
from keeper.types import USD, ZERO_ADDRESS, Address

__all__ = ["Market", "Reserve", "deploy"]

FLASH_PREMIUM = 5
"""Basis points: what live markets charge; the contract itself starts at zero."""

TREASURY = Address("0x" + "7e" * 20)
WHALE = Address("0x" + "3a" * 20)

_ROLES = ("addPoolAdmin", "addAssetListingAdmin", "addRiskAdmin", "addEmergencyAdmin")

Contracts = Mapping[str, Contract]
Tokens = Mapping[str, Address]


async def deploy(
    node: Node,
    admin: Address,
    reserves: Sequence[ReserveSpec] = DEFAULT_RESERVES,
    emodes: Sequence[EModeSpec] = DEFAULT_EMODES,
    progress: Progress = lambda _: None,
) -> Market:
    """Deploy tokens, feeds and the market on `node`, owned by `admin`.

    Raises:
        ConfigError: the packages or Node.js are not installed.
        DevnetError: a step reverted.
    """
    contracts = await load_contracts(progress)
    node.learn(*contracts.values())
    start_block = await node.block_number()
    await node.fund([admin, WHALE])
    codes = [
        token_contract(silent=spec.silent).deploy_data(spec.name, spec.symbol, spec.decimals)
        for spec in reserves
    ]
    deployed = await node.deploy(admin, *codes)
    tokens = {spec.symbol: token for spec, token in zip(reserves, deployed, strict=True)}
    feeds = await deploy_feeds(node, admin, {spec.symbol: spec.price for spec in reserves})
    market = await _deploy_core(node, admin, contracts, tokens, feeds)
    await _list_reserves(node, market, tokens, reserves)
    await node.send_many([*_reserve_steps(market, tokens, reserves), *_emode_steps(market, tokens, emodes)])
    listed = [await _reserve(node, market, tokens[spec.symbol], feeds, spec) for spec in reserves]
    market = replace(market, start_block=start_block, reserves=tuple(listed))
    await node.send_many(list(_liquidity_steps(market, reserves)))
    return market


async def _deploy_core(
    node: Node, admin: Address, contracts: Contracts, tokens: Tokens, feeds: Feeds
) -> Market:
    """The market without reserves; each deployment's constructor reads what came before it."""
    libraries = await _deploy_libraries(node, admin, contracts)
    registry = contracts["PoolAddressesProvider"]

    def code(name: str, *args: Any) -> bytes:
        return link(contracts[name], libraries).deploy_data(*args)

    async def register(**parts: Address) -> None:
        await node.send_many([Tx(admin, provider, registry.encode(*part)) for part in parts.items()])

    [provider] = await node.deploy(admin, code("PoolAddressesProvider", "devnet", admin))
    await register(setACLAdmin=admin)
    acl, rates, configurator_code = await node.deploy(
        admin,
        code("ACLManager", provider),
        code("DefaultReserveInterestRateStrategyV2", provider),
        code("PoolConfiguratorInstance"),
    )
    await node.send_many([Tx(admin, acl, contracts["ACLManager"].encode(role, admin)) for role in _ROLES])
    sources = [feeds[symbol].proxy for symbol in tokens]
    pool_code, oracle = await node.deploy(
        admin,
        code("PoolInstance", provider, rates),
        code("AaveOracle", provider, list(tokens.values()), sources, ZERO_ADDRESS, ZERO_ADDRESS, USD),
    )
    await register(setACLManager=acl, setPriceOracle=oracle, setPoolImpl=pool_code)
    await register(setPoolConfiguratorImpl=configurator_code)
    [data_provider] = await node.deploy(admin, code("AaveProtocolDataProvider", provider))
    await register(setPoolDataProvider=data_provider)
    return Market(
        provider=provider,
        acl=acl,
        pool=await _registered(node, provider, registry, "getPool"),
        configurator=await _registered(node, provider, registry, "getPoolConfigurator"),
        oracle=oracle,
        data_provider=data_provider,
        rate_strategy=rates,
        treasury=TREASURY,
        admin=admin,
        whale=WHALE,
        start_block=0,
        reserves=(),
        contracts=contracts,
    )


async def _registered(node: Node, provider: Address, registry: Contract, getter: str) -> Address:
    """The proxy that the provider created for an implementation."""
    return Address(registry.decode(getter, await node.call(provider, registry.encode(getter))))


async def _deploy_libraries(node: Node, admin: Address, contracts: Contracts) -> dict[str, Address]:
    codes = [contracts[name].deploy_data() for name in LIBRARIES]
    libraries = dict(zip(LIBRARIES, await node.deploy(admin, *codes), strict=True))
    [flash] = await node.deploy(admin, link(contracts["FlashLoanLogic"], libraries).deploy_data())
    return libraries | {"FlashLoanLogic": flash}


async def _list_reserves(node: Node, market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> None:
    a_code, v_code = await node.deploy(
        market.admin,
        market.contracts["ATokenInstance"].deploy_data(market.pool, ZERO_ADDRESS, market.treasury),
        market.contracts["VariableDebtTokenInstance"].deploy_data(market.pool, ZERO_ADDRESS),
    )
    inputs = [
        (
            a_code,
            v_code,
            tokens[spec.symbol],
            f"Aave {spec.symbol}",
            f"a{spec.symbol}",
            f"Aave Variable Debt {spec.symbol}",
            f"variableDebt{spec.symbol}",
            b"",
            encode(["uint16", "uint32", "uint32", "uint32"], spec.rates),
        )
        for spec in specs
    ]
    await node.send(market.configurator_tx("initReserves", inputs))


def _reserve_steps(market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> Iterator[Tx]:
    yield market.configurator_tx("updateFlashloanPremium", FLASH_PREMIUM)
    for spec in specs:
        token = tokens[spec.symbol]
        if spec.debt_ceiling:
            yield market.configurator_tx("setDebtCeiling", token, spec.debt_ceiling)
        limits = (spec.ltv, spec.threshold, spec.bonus)
        yield market.configurator_tx("configureReserveAsCollateral", token, *limits)
        yield market.configurator_tx("setReserveFactor", token, spec.reserve_factor)
        yield market.configurator_tx("setLiquidationProtocolFee", token, spec.liquidation_fee)
        yield market.configurator_tx("setReserveFlashLoaning", token, True)
        yield market.configurator_tx("setReserveBorrowing", token, spec.borrowable)
        yield market.configurator_tx("setBorrowableInIsolation", token, spec.borrowable_in_isolation)


def _emode_steps(market: Market, tokens: Tokens, emodes: Sequence[EModeSpec]) -> Iterator[Tx]:
    for mode in emodes:
        limits = (mode.ltv, mode.threshold, mode.bonus)
        yield market.configurator_tx("setEModeCategory", mode.category, *limits, mode.label)
        for symbol in mode.collateral:
            yield market.configurator_tx("setAssetCollateralInEMode", tokens[symbol], mode.category, True)
        for symbol in mode.borrowable:
            yield market.configurator_tx("setAssetBorrowableInEMode", tokens[symbol], mode.category, True)


async def _reserve(node: Node, market: Market, token: Address, feeds: Feeds, spec: ReserveSpec) -> Reserve:
    a_token = await market.read_pool(node, "getReserveAToken", token)
    v_token = await market.read_pool(node, "getReserveVariableDebtToken", token)
    feed = feeds[spec.symbol]
    return Reserve(
        spec.symbol, spec.decimals, token, Address(a_token), Address(v_token), feed.proxy, feed.aggregator
    )


def _liquidity_steps(market: Market, specs: Sequence[ReserveSpec]) -> Iterator[Tx]:
    for spec in specs:
        amount = spec.liquidity * 10**spec.decimals
        if amount:
            token = market.reserve(spec.symbol).token
            yield mint(token, market.whale, amount)
            yield approve(token, market.whale, market.pool)
            yield market.supply(market.whale, spec.symbol, amount)
