"""Steps that setting up a market has in common whatever its version."""

from collections.abc import Iterator, Mapping, Sequence

from keeper.devnet.aave.market import Market, Reserve
from keeper.devnet.aave.specs import ReserveSpec
from keeper.devnet.contract import Contract
from keeper.devnet.ground import Ground
from keeper.devnet.node import Node, Tx
from keeper.devnet.tokens import approve, mint
from keeper.types import Address

TREASURY = Address("0x" + "7e" * 20)
WHALE = Address("0x" + "3a" * 20)

RAY_PER_BPS = 10**23

Tokens = Mapping[str, Address]


async def registered(node: Node, provider: Address, registry: Contract, getter: str) -> Address:
    """What the provider has under a name, such as the proxy that it made for an implementation."""
    return Address(registry.decode(getter, await node.call(provider, registry.encode(getter))))


async def read_reserve(node: Node, market: Market, ground: Ground, spec: ReserveSpec) -> Reserve:
    """The reserve as the pool has it."""
    token, feed = ground.tokens[spec.symbol], ground.feeds[spec.symbol]
    data = await market.read_pool(node, "getReserveData", token)
    fields = market.dialect.fields
    return Reserve(
        spec.symbol,
        spec.decimals,
        token,
        Address(data[fields.a_token]),
        Address(data[fields.v_token]),
        feed.proxy,
        feed.aggregator,
        Address(data[fields.s_token]),
    )


def v3_reserve_steps(market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> Iterator[Tx]:
    """What a v3 configurator is told of each reserve, apart from stable rates."""
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
        if spec.siloed:
            yield market.configurator_tx("setSiloedBorrowing", token, True)


def liquidity_steps(market: Market, specs: Sequence[ReserveSpec]) -> Iterator[Tx]:
    """The whale supplies what each specification says."""
    for spec in specs:
        amount = spec.liquidity * 10**spec.decimals
        if amount:
            token = market.reserve(spec.symbol).token
            yield mint(token, market.whale, amount)
            yield approve(token, market.whale, market.pool)
            yield market.supply(market.whale, spec.symbol, amount)
