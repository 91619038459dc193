"""Deploys an Aave v3.6 market from the installed package, lists reserves and supplies liquidity.

The order of the steps is that of the protocol: each reads what the one before stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from eth_abi.abi import encode

from keeper.devnet.aave.contracts import LIBRARIES, link, load_contracts
from keeper.devnet.aave.core import Contracts, Core, Parts
from keeper.devnet.aave.dialect import V36
from keeper.devnet.aave.market import Market, Reserve
from keeper.devnet.aave.setup import (
    WHALE,
    Tokens,
    liquidity_steps,
    read_reserve,
    v3_reserve_steps,
)
from keeper.devnet.aave.specs import DEFAULT_EMODES, DEFAULT_RESERVES, EModeSpec, Rates, ReserveSpec
from keeper.devnet.ground import Ground, lay
from keeper.devnet.node import Node, Tx
from keeper.devnet.solidity import Progress
from keeper.types import ZERO_ADDRESS, Address

__all__ = ["Market", "Reserve", "deploy", "list_reserves", "rate_data"]

FLASH_PREMIUM = 5
"""Basis points: what live markets charge; the contract itself starts at zero."""

_ROLES = ("addPoolAdmin", "addAssetListingAdmin", "addRiskAdmin", "addEmergencyAdmin")


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
    core = await Core.begin(node, admin, contracts, LIBRARIES, link)
    acl, rates, configurator = await node.deploy(
        admin,
        core.code("ACLManager", core.provider),
        core.code("DefaultReserveInterestRateStrategyV2", core.provider),
        core.code("PoolConfiguratorInstance"),
    )
    await core.grant(acl, _ROLES)
    pool, oracle = await node.deploy(
        admin, core.code("PoolInstance", core.provider, rates), core.oracle_code(ground)
    )
    return await core.complete(Parts(acl, pool, configurator, oracle, rates), V36)


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
