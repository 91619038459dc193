"""Deploys an Aave v2 market from the artifacts of its npm package, priced in ether as on Ethereum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from keeper.devnet.aave.dialect import V2
from keeper.devnet.aave.market import Market, Reserve
from keeper.devnet.aave.setup import (
    RAY_PER_BPS,
    TREASURY,
    WHALE,
    Tokens,
    liquidity_steps,
    read_reserve,
    registered,
)
from keeper.devnet.aave.specs import V2_RESERVES, Rates, ReserveSpec
from keeper.devnet.contract import Contract
from keeper.devnet.feeds import ETHER
from keeper.devnet.ground import Ground, lay_in_ether
from keeper.devnet.hardhat import link, load_artifacts
from keeper.devnet.node import Node, Tx
from keeper.devnet.solidity import Progress
from keeper.types import ZERO_ADDRESS, Address

__all__ = ["deploy", "list_reserves", "strategy_code"]

_LOGIC = "protocol/libraries/logic"
_FILES = {
    "PoolAddressesProvider": "protocol/configuration/LendingPoolAddressesProvider",
    "AaveOracle": "misc/AaveOracle",
    "AaveProtocolDataProvider": "misc/AaveProtocolDataProvider",
    "LendingRateOracle": "mocks/oracle/LendingRateOracle",
    "PoolInstance": "protocol/lendingpool/LendingPool",
    "PoolConfiguratorInstance": "protocol/lendingpool/LendingPoolConfigurator",
    "LendingPoolCollateralManager": "protocol/lendingpool/LendingPoolCollateralManager",
    "DefaultReserveInterestRateStrategy": "protocol/lendingpool/DefaultReserveInterestRateStrategy",
    "ATokenInstance": "protocol/tokenization/AToken",
    "StableDebtToken": "protocol/tokenization/StableDebtToken",
    "VariableDebtTokenInstance": "protocol/tokenization/VariableDebtToken",
    **{name: f"{_LOGIC}/{name}" for name in ("ReserveLogic", "GenericLogic", "ValidationLogic")},
}

_MARKET_RATE = 390
"""Basis points: what the rate oracle calls the market's rate for loans at stable rates."""

Contracts = Mapping[str, Contract]


async def deploy(
    node: Node,
    admin: Address,
    reserves: Sequence[ReserveSpec] = V2_RESERVES,
    progress: Progress = lambda _: None,
    *,
    shared: Ground | None = None,
) -> Market:
    """Deploy the market, and tokens and feeds that `shared` lacks, owned by `admin`.

    Raises:
        ConfigError: the package is not installed.
        DevnetError: a step reverted.
    """
    progress("reading @aave/protocol-v2")
    contracts = load_artifacts("@aave/protocol-v2", _FILES)
    start_block = await node.block_number()
    await node.fund([admin, WHALE])
    ground = await lay_in_ether(node, admin, reserves, shared)
    market = await _deploy_core(node, admin, contracts, ground)
    listed = await list_reserves(node, market, ground, reserves)
    market = replace(market, start_block=start_block, reserves=tuple(listed))
    await node.send_many(list(liquidity_steps(market, reserves)))
    return market


async def list_reserves(
    node: Node, market: Market, ground: Ground, specs: Sequence[ReserveSpec]
) -> list[Reserve]:
    """Have the pool list what is specified; the oracle knows the sources already.

    Raises:
        DevnetError: a step reverted.
    """
    await _initialize(node, market, ground.tokens, specs)
    await node.send_many(list(_reserve_steps(market, ground.tokens, specs)))
    return [await read_reserve(node, market, ground, spec) for spec in specs]


def strategy_code(market: Market, rates: Rates) -> bytes:
    """Creation code of an interest rate strategy."""
    return market.contracts["DefaultReserveInterestRateStrategy"].deploy_data(
        market.provider,
        *(part * RAY_PER_BPS for part in rates),
        rates.slope1 // 5 * RAY_PER_BPS,
        rates.slope2 * RAY_PER_BPS,
    )


async def _deploy_core(node: Node, admin: Address, contracts: Contracts, ground: Ground) -> Market:
    """The market without reserves."""
    tokens, feeds = ground
    libraries = await _deploy_libraries(node, admin, contracts)
    registry = contracts["PoolAddressesProvider"]

    def code(name: str, *args: Any) -> bytes:
        return link(contracts[name], libraries).deploy_data(*args)

    # WETH is worth one ether by definition: its source, ether in USD, is nothing to the oracle.
    sources = {tokens[symbol]: feeds[symbol].proxy for symbol in tokens if symbol != ETHER}
    provider, pool_code, configurator_code, manager, oracle, rates = await node.deploy(
        admin,
        code("PoolAddressesProvider", "devnet"),
        code("PoolInstance"),
        code("PoolConfiguratorInstance"),
        code("LendingPoolCollateralManager"),
        code("AaveOracle", list(sources), list(sources.values()), ZERO_ADDRESS, tokens[ETHER]),
        code("LendingRateOracle"),
    )
    parts = {
        "setPoolAdmin": admin,
        "setEmergencyAdmin": admin,
        "setLendingPoolImpl": pool_code,
        "setLendingPoolConfiguratorImpl": configurator_code,
        "setLendingPoolCollateralManager": manager,
        "setPriceOracle": oracle,
        "setLendingRateOracle": rates,
    }
    await node.send_many([Tx(admin, provider, registry.encode(*part)) for part in parts.items()])
    [data_provider] = await node.deploy(admin, code("AaveProtocolDataProvider", provider))
    return Market(
        provider=provider,
        acl=ZERO_ADDRESS,
        pool=await registered(node, provider, registry, "getLendingPool"),
        configurator=await registered(node, provider, registry, "getLendingPoolConfigurator"),
        oracle=oracle,
        data_provider=data_provider,
        rate_strategy=ZERO_ADDRESS,
        treasury=TREASURY,
        admin=admin,
        whale=WHALE,
        start_block=0,
        reserves=(),
        contracts=contracts,
        dialect=V2,
    )


async def _deploy_libraries(node: Node, admin: Address, contracts: Contracts) -> dict[str, Address]:
    plain = ("ReserveLogic", "GenericLogic")
    codes = [contracts[name].deploy_data() for name in plain]
    libraries = dict(zip(plain, await node.deploy(admin, *codes), strict=True))
    [validation] = await node.deploy(admin, link(contracts["ValidationLogic"], libraries).deploy_data())
    return libraries | {"ValidationLogic": validation}


async def _initialize(node: Node, market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> None:
    rates = await registered(
        node, market.provider, market.contracts["PoolAddressesProvider"], "getLendingRateOracle"
    )
    for spec in specs:
        token = tokens[spec.symbol]
        a_code, s_code, v_code, strategy = await node.deploy(market.admin, *_codes(market, token, spec))
        data = market.contracts["LendingRateOracle"].encode(
            "setMarketBorrowRate", token, _MARKET_RATE * RAY_PER_BPS
        )
        initialize = market.configurator_tx("initReserve", a_code, s_code, v_code, spec.decimals, strategy)
        await node.send_many([Tx(market.admin, rates, data), initialize])


def _codes(market: Market, token: Address, spec: ReserveSpec) -> Iterator[bytes]:
    """Each reserve has implementations of its own: they carry its names."""

    def code(kind: str, *args: Any) -> bytes:
        return market.contracts[kind].deploy_data(market.pool, token, *args, ZERO_ADDRESS)

    symbol = spec.symbol
    yield code("ATokenInstance", market.treasury, f"Aave {symbol}", f"a{symbol}")
    yield code("StableDebtToken", f"Aave Stable Debt {symbol}", f"stableDebt{symbol}")
    yield code("VariableDebtTokenInstance", f"Aave Variable Debt {symbol}", f"variableDebt{symbol}")
    yield strategy_code(market, spec.rates)


def _reserve_steps(market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> Iterator[Tx]:
    for spec in specs:
        token = tokens[spec.symbol]
        limits = (spec.ltv, spec.threshold, spec.bonus)
        yield market.configurator_tx("configureReserveAsCollateral", token, *limits)
        yield market.configurator_tx("setReserveFactor", token, spec.reserve_factor)
        if spec.borrowable:
            yield market.configurator_tx("enableBorrowingOnReserve", token, spec.stable)
