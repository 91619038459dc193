"""Deploys an Aave v3.6 market from the installed package, lists reserves and supplies liquidity.

The order of the steps is that of the protocol: each reads what the one before stored.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_abi.abi import encode

from keeper.devnet.aave_contracts import LIBRARIES, link, load_contracts
from keeper.devnet.aave_market import Market, Reserve
from keeper.devnet.aave_setup import (
    TREASURY,
    WHALE,
    Tokens,
    liquidity_steps,
    read_reserve,
    registered,
    v3_reserve_steps,
)
from keeper.devnet.aave_specs import DEFAULT_EMODES, DEFAULT_RESERVES, EModeSpec, Rates, ReserveSpec
from keeper.devnet.contract import Contract
from keeper.devnet.ground import Ground, lay
from keeper.devnet.node import Node, Tx
from keeper.devnet.solidity import Progress
from keeper.types import USD, ZERO_ADDRESS, Address

__all__ = ["Market", "Reserve", "deploy", "list_reserves", "rate_data"]

FLASH_PREMIUM = 5
"""Basis points: what live markets charge; the contract itself starts at zero."""

_ROLES = ("addPoolAdmin", "addAssetListingAdmin", "addRiskAdmin", "addEmergencyAdmin")

Contracts = Mapping[str, Contract]


async def deploy(
    node: Node,
    admin: Address,
    reserves: Sequence[ReserveSpec] = DEFAULT_RESERVES,
    emodes: Sequence[EModeSpec] = DEFAULT_EMODES,
    progress: Progress = lambda _: None,
    *,
    shared: Ground | None = None,
) -> Market:
    """Deploy the market, and tokens and feeds that `shared` lacks, owned by `admin`.

    Raises:
        ConfigError: the packages or Node.js are not installed.
        DevnetError: a step reverted.
    """
    contracts = await load_contracts(progress)
    node.learn(*contracts.values())
    start_block = await node.block_number()
    await node.fund([admin, WHALE])
    ground = await lay(node, admin, reserves, shared)
    market = await _deploy_core(node, admin, contracts, ground)
    await node.send(market.configurator_tx("updateFlashloanPremium", FLASH_PREMIUM))
    listed = await list_reserves(node, market, ground, reserves)
    market = replace(market, start_block=start_block, reserves=tuple(listed))
    await node.send_many([*_emode_steps(market, ground.tokens, emodes), *liquidity_steps(market, reserves)])
    return market


async def list_reserves(
    node: Node, market: Market, ground: Ground, specs: Sequence[ReserveSpec]
) -> list[Reserve]:
    """Have the pool list what is specified; the oracle knows the sources already.

    Raises:
        DevnetError: a step reverted.
    """
    await _initialize(node, market, ground.tokens, specs)
    await node.send_many(list(v3_reserve_steps(market, ground.tokens, specs)))
    return [await read_reserve(node, market, ground, spec) for spec in specs]


def rate_data(rates: Rates) -> bytes:
    """Interest rate parameters as this version's one strategy takes them."""
    return encode(["uint16", "uint32", "uint32", "uint32"], rates)


async def _deploy_core(node: Node, admin: Address, contracts: Contracts, ground: Ground) -> Market:
    """The market without reserves; each deployment's constructor reads what came before it."""
    tokens, feeds = ground
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
        pool=await registered(node, provider, registry, "getPool"),
        configurator=await registered(node, provider, registry, "getPoolConfigurator"),
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


async def _deploy_libraries(node: Node, admin: Address, contracts: Contracts) -> dict[str, Address]:
    codes = [contracts[name].deploy_data() for name in LIBRARIES]
    libraries = dict(zip(LIBRARIES, await node.deploy(admin, *codes), strict=True))
    [flash] = await node.deploy(admin, link(contracts["FlashLoanLogic"], libraries).deploy_data())
    return libraries | {"FlashLoanLogic": flash}


async def _initialize(node: Node, market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> None:
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
            rate_data(spec.rates),
        )
        for spec in specs
    ]
    await node.send(market.configurator_tx("initReserves", inputs))


def _emode_steps(market: Market, tokens: Tokens, emodes: Sequence[EModeSpec]) -> Iterator[Tx]:
    for mode in emodes:
        limits = (mode.ltv, mode.threshold, mode.bonus)
        yield market.configurator_tx("setEModeCategory", mode.category, *limits, mode.label)
        for symbol in mode.collateral:
            yield market.configurator_tx("setAssetCollateralInEMode", tokens[symbol], mode.category, True)
        for symbol in mode.borrowable:
            yield market.configurator_tx("setAssetBorrowableInEMode", tokens[symbol], mode.category, True)
