"""Random bad times: pauses, sequencer outages, debt without collateral, and what mends it."""

from keeper.devnet.aave.admin.governance import GOVERNANCE
from keeper.devnet.aave.admin.kinds import AdminKind
from keeper.devnet.aave.random.draws import Deed, Draw, Draws
from keeper.devnet.actors import STRANGER
from keeper.devnet.borrowers import borrower_address
from keeper.devnet.feeds import aggregator_code, aggregator_contract
from keeper.devnet.node import Tx
from keeper.types import MAX_UINT256, USD, Address

_MOST_GRACE = 4 * 3600
"""Seconds: the longest that v3.1 and later allow."""

_SENTINEL_GRACE = 600
"""Seconds after the sequencer's return without liquidations of the not so weak."""

_UMBRELLA = Address("0x" + "0b" * 20)
_UMBRELLA_ID = b"UMBRELLA".ljust(32, b"\0")
_SEED = 777
"""The seed of the addresses of those who will not pay."""


class Crises:
    """Draws what goes wrong."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._random = draws.random
        self._actors = draws.actors
        self._governance = GOVERNANCE[draws.actors.market.version]
        self._sequencer: Address | None = None
        self._paupers = 0

    def by_kind(self) -> dict[AdminKind, Draw]:
        """How to draw each kind."""
        return {
            AdminKind.PAUSE_POOL: self._pause_pool,
            AdminKind.PAUSE: self._pause,
            AdminKind.END_GRACE: self._end_grace,
            AdminKind.SEQUENCER: self._sequencer_down,
            AdminKind.BAD_DEBT: self._bad_debt,
            AdminKind.COVER_DEFICIT: self._cover,
        }

    async def _pause_pool(self) -> Deed:
        def deed(paused: bool, grace: int, undo: Deed | None) -> Deed:
            tx = self._governance.pause_pool(self._actors.market, paused, grace)
            return Deed(f"{paused}, grace {grace}", lambda: self._actors.node.send(tx), undo)

        return deed(True, 0, deed(False, self._grace(), None))

    async def _pause(self) -> Deed:
        market, symbol = self._actors.market, self._random.choice(self._draws.symbols)

        def deed(paused: bool, grace: int, undo: Deed | None) -> Deed:
            tx = self._governance.pause(market, market.reserve(symbol).token, paused, grace)
            return Deed(f"{symbol} {paused}, grace {grace}", lambda: self._actors.node.send(tx), undo)

        return deed(True, 0, deed(False, self._grace(), None))

    async def _end_grace(self) -> Deed:
        symbol = self._random.choice(self._draws.symbols)

        async def act() -> None:
            market = self._actors.market
            token = market.reserve(symbol).token
            await self._actors.node.send(market.configurator_tx("disableLiquidationGracePeriod", token))

        return Deed(symbol, act)

    async def _sequencer_down(self) -> Deed:
        return Deed("down", lambda: self._report(1), Deed("up", lambda: self._report(0)))

    async def _report(self, answer: int) -> None:
        """Have the sequencer's feed say that it is up (0) or down (1); the first call sets all up."""
        market, node = self._actors.market, self._actors.node
        if self._sequencer is None:
            [feed] = await node.deploy(market.admin, aggregator_code("L2 sequencer uptime", 0, 0))
            contract = market.contracts["PriceOracleSentinel"]
            code = contract.deploy_data(market.provider, feed, _SENTINEL_GRACE)
            [sentinel] = await node.deploy(market.admin, code)
            await node.send(market.provider_tx("setPriceOracleSentinel", sentinel))
            self._sequencer = feed
        data = aggregator_contract().encode("transmit", answer)
        await node.send(Tx(market.admin, self._sequencer, data))

    async def _bad_debt(self) -> Deed | None:
        """Somebody borrows all it can, the collateral halves, liquidators take it all, the price recovers."""
        terms = await self._draws.terms()
        collaterals = [s for s, each in terms.listings.items() if each.ltv and not each.debt_ceiling]
        debts = [s for s, each in terms.listings.items() if each.borrowable and not each.siloed]
        if len(collaterals) < 2 or len(debts) < 2:
            return None
        collateral = self._random.choice(collaterals)
        debt = self._random.choice([symbol for symbol in debts if symbol != collateral])
        listing = terms.listings[collateral]
        usd = self._random.randint(100, 5000) * USD
        owed = terms.listings[debt].amount(usd * listing.ltv * 99 // 10**6)
        self._paupers += 1
        pauper = borrower_address(_SEED, self._paupers)
        steps = (pauper, collateral, debt, listing.amount(usd), owed)
        return Deed(f"{pauper} {collateral} {debt} {usd}", lambda: self._ruin(*steps))

    async def _ruin(self, pauper: Address, collateral: str, debt: str, amount: int, owed: int) -> None:
        actors = self._actors
        await actors.give(pauper, collateral, amount)
        await actors.supply(pauper, collateral, amount)
        await actors.borrow(pauper, debt, owed)
        price = (await actors.prices())[collateral]
        try:
            await actors.set_prices({collateral: price // 2})
            await actors.give(STRANGER, debt, owed * 2)
            while (await actors.view.holdings(pauper))[collateral].supplied:
                await actors.liquidate(STRANGER, pauper, collateral, debt, MAX_UINT256)
        finally:
            await actors.set_prices({collateral: price})

    async def _cover(self) -> Deed | None:
        """The umbrella burns aTokens of its own for a part of a deficit."""
        actors, market = self._actors, self._actors.market
        deficits = {
            reserve.symbol: int(await market.read_pool(actors.node, "getReserveDeficit", reserve.token))
            for reserve in market.reserves
        }
        symbols = [symbol for symbol, deficit in deficits.items() if deficit]
        if not symbols:
            return None
        symbol = self._random.choice(symbols)
        amount = self._random.choice([deficits[symbol], self._draws.part(deficits[symbol])])

        async def act() -> None:
            market = actors.market
            await actors.node.send(market.provider_tx("setAddress", _UMBRELLA_ID, _UMBRELLA))
            await actors.give(_UMBRELLA, symbol, amount * 2 + 10)
            await actors.supply(_UMBRELLA, symbol, amount * 2 + 10)
            token = market.reserve(symbol).token
            await actors.node.send(market.pool_tx(_UMBRELLA, "eliminateReserveDeficit", token, amount))

        return Deed(f"{symbol} {amount}", act)

    def _grace(self) -> int:
        return self._random.choice([0, self._random.randint(1, _MOST_GRACE)])
