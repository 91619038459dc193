"""Morpho Blue on a devnet: the npm package's contracts, with oracles fed by the devnet's feeds.

No package carries the adaptive curve, a pair oracle or a price in dollars, so these are our own.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from keeper.devnet.aave.specs import DEFAULT_RESERVES
from keeper.devnet.board import Board
from keeper.devnet.contract import Contract
from keeper.devnet.deployment import Crowd
from keeper.devnet.ground import Ground, lay
from keeper.devnet.morpho.contracts import load_contracts
from keeper.devnet.morpho.market import WAD_PER_BPS, IsolatedMarket, MarketParams, Morpho
from keeper.devnet.morpho.positions import MorphoBorrower, make_borrowers, open_positions
from keeper.devnet.morpho.specs import DEFAULT_MARKETS, MarketSpec, Rate
from keeper.devnet.node import Node, Tx
from keeper.devnet.prices import Prices
from keeper.devnet.tokens import approve, mint
from keeper.types import USD, ZERO_ADDRESS, Address, checksum

LENDER = Address("0x" + "1e" * 20)
"""Supplies what every market lends at first."""

FEE_RECIPIENT = Address("0x" + "fe" * 20)

_WAD_PER_PERCENT = 10**16
_ORACLE_DECIMALS = 36


class MorphoBlue:
    """Implements `keeper.devnet.deployment.Deployment`. `borrowers` are who `populate` made."""

    kind = "morpho-blue"
    protocol = "morpho-blue"

    def __init__(self, core: Morpho, owner: Address, ground: Ground, start_block: int) -> None:
        self.core = core
        self.owner = owner
        self.ground = ground
        self.prices = Prices.of(ground.tokens, DEFAULT_RESERVES, [ground.feeds])
        self.start_block = start_block
        self.markets: tuple[IsolatedMarket, ...] = ()
        self.borrowers: tuple[MorphoBorrower, ...] = ()
        self.settings: Mapping[str, Address] = {"morpho": core.address}
        self.venues = (core.address,)

    @classmethod
    async def deploy(
        cls, node: Node, owner: Address, shared: Ground, specs: Sequence[MarketSpec] = DEFAULT_MARKETS
    ) -> "MorphoBlue":
        """Morpho with `specs` as markets, each with something to lend.

        Raises:
            ConfigError: the package or Node.js is not installed.
            DevnetError: a step reverted.
        """
        contracts = await load_contracts()
        start_block = await node.block_number()
        ground = await lay(node, owner, DEFAULT_RESERVES, shared)
        board = await Board.deploy(node, owner, ground)
        (morpho,) = await node.deploy(owner, contracts["Morpho"].deploy_data(owner))
        curve, plain = await node.deploy(
            owner, Contract.built("rate_curve").deploy_data(morpho), contracts["IrmMock"].deploy_data()
        )
        made = cls(Morpho(node, morpho, contracts["Morpho"]), owner, ground, start_block)
        made.settings = {"morpho": morpho, "usd_oracle": board.address}
        await made._create(specs, {Rate.CURVE: curve, Rate.PLAIN: plain, Rate.NONE: ZERO_ADDRESS})
        await node.fund([LENDER])
        await node.send_many(await made._liquidity())
        return made

    def market(self, name: str) -> IsolatedMarket:
        """A market by "COLLATERAL/LOAN"; KeyError when there is none."""
        return {market.name: market for market in self.markets}[name]

    @property
    def borrower_count(self) -> int:
        return len(self.borrowers)

    def described(self) -> dict[str, Any]:
        return {
            "markets": {market.name: market.id for market in self.markets},
            "oracles": {market.name: checksum(market.params.oracle) for market in self.markets},
        }

    async def populate(self, crowd: Crowd, progress: Callable[[int, int], None]) -> None:
        tokens = await self.prices.tokens()
        self.borrowers = make_borrowers(self.markets, tokens, crowd)
        await open_positions(self.core, self.borrowers, progress)

    async def _create(self, specs: Sequence[MarketSpec], models: Mapping[Rate, Address]) -> None:
        oracles = await self.core.node.deploy(self.owner, *(self._oracle(spec) for spec in specs))
        tokens = self.ground.tokens
        self.markets = tuple(
            IsolatedMarket(
                spec,
                MarketParams(
                    tokens[spec.loan],
                    tokens[spec.collateral],
                    oracle,
                    models[spec.rate],
                    spec.lltv * WAD_PER_BPS,
                ),
            )
            for spec, oracle in zip(specs, oracles, strict=True)
        )
        await self.core.node.send_many(list(self._creation(models)))

    def _oracle(self, spec: MarketSpec) -> bytes:
        """The price of one raw collateral unit in raw loan units, times 10^36."""
        decimals = {each.symbol: each.decimals for each in DEFAULT_RESERVES}
        scale = 10 ** (_ORACLE_DECIMALS + decimals[spec.loan] - decimals[spec.collateral])
        base, quote = self.ground.feeds[spec.collateral].proxy, self.ground.feeds[spec.loan].proxy
        return Contract.built("price_pair").deploy_data(base, quote, scale)

    def _creation(self, models: Mapping[Rate, Address]) -> Iterator[Tx]:
        for model in models.values():
            yield self.core.tx(self.owner, "enableIrm", model)
        for lltv in sorted({market.params.lltv for market in self.markets}):
            yield self.core.tx(self.owner, "enableLltv", lltv)
        yield self.core.tx(self.owner, "setFeeRecipient", FEE_RECIPIENT)
        for market in self.markets:
            yield self.core.tx(self.owner, "createMarket", market.params)
            if market.spec.fee:
                yield self.core.tx(self.owner, "setFee", market.params, market.spec.fee * _WAD_PER_PERCENT)

    async def _liquidity(self) -> list[Tx]:
        """The lender supplies every market."""
        tokens = await self.prices.tokens()
        txs = []
        for market in self.markets:
            loan = tokens[market.spec.loan]
            amount = market.spec.dollars * USD * 10**loan.decimals // loan.price
            txs += [
                mint(loan.address, LENDER, amount),
                approve(loan.address, LENDER, self.core.address, 0),
                approve(loan.address, LENDER, self.core.address, amount),
                self.core.tx(LENDER, "supply", market.params, amount, 0, LENDER, b""),
            ]
        return txs
