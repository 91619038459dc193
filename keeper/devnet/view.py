"""What a deployed Aave v3.6 market says of itself and its accounts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from keeper.devnet.aave_market import Market
from keeper.devnet.node import Node
from keeper.devnet.terms import EMode, Listing, Terms
from keeper.devnet.ticks import PricedToken
from keeper.devnet.tokens import token_contract
from keeper.types import Address

_EMODES = range(1, 9)


class AccountData(NamedTuple):
    """getUserAccountData: USD with 8 decimals, bps, and the health factor in wad."""

    collateral: int
    debt: int
    available: int
    threshold: int
    ltv: int
    health_factor: int


class Holding(NamedTuple):
    """One user's side of one reserve, raw token amounts with interest."""

    supplied: int
    owed: int
    is_collateral: bool


class MarketView:
    """Reads a market through its own view functions, as of a block or the newest one."""

    def __init__(self, node: Node, market: Market) -> None:
        self._node = node
        self._market = market
        self._pool = market.contracts["PoolInstance"]
        self._oracle = market.contracts["AaveOracle"]

    async def tokens(self, block: int | str = "latest") -> dict[str, PricedToken]:
        """Every reserve's token with its oracle price, by symbol."""
        reserves = self._market.reserves
        data = self._oracle.encode("getAssetsPrices", [reserve.token for reserve in reserves])
        answer = await self._node.call(self._market.oracle, data, block)
        prices = self._oracle.decode("getAssetsPrices", answer)
        return {
            reserve.symbol: PricedToken(reserve.token, reserve.decimals, price)
            for reserve, price in zip(reserves, prices, strict=True)
        }

    async def terms(self) -> Terms:
        """Prices and borrowing rules of every reserve and eMode."""
        tokens = await self.tokens()
        answers = await self._ask([("getConfiguration", (token.address,)) for token in tokens.values()])
        listings = {
            symbol: _listing(symbol, token, answer[0])
            for (symbol, token), answer in zip(tokens.items(), answers, strict=True)
        }
        return Terms(listings, await self._emodes())

    async def account(self, user: Address, block: int | str = "latest") -> AccountData:
        """Health of one account."""
        return (await self.accounts([user], block))[0]

    async def accounts(self, users: Sequence[Address], block: int | str = "latest") -> list[AccountData]:
        """Health of many accounts, in the order given."""
        answers = await self._ask([("getUserAccountData", (user,)) for user in users], block)
        return [AccountData(*answer) for answer in answers]

    async def emode(self, user: Address) -> int:
        """The user's efficiency mode, 0 for none."""
        return int((await self._ask([("getUserEMode", (user,))]))[0])

    async def holdings(self, user: Address) -> dict[str, Holding]:
        """What the user supplied and owes, by symbol, every reserve listed."""
        reserves, token = self._market.reserves, token_contract()
        balance = token.encode("balanceOf", user)
        calls = [(address, balance) for reserve in reserves for address in (reserve.a_token, reserve.v_token)]
        amounts = [token.decode("balanceOf", data) for data in await self._node.call_many(calls)]
        ids, (flags,) = await self._ask([("getReservesList", ()), ("getUserConfiguration", (user,))])
        return {
            reserve.symbol: Holding(supplied, owed, bool(flags >> (2 * ids.index(reserve.token) + 1) & 1))
            for reserve, supplied, owed in zip(reserves, amounts[::2], amounts[1::2], strict=True)
        }

    async def _emodes(self) -> dict[int, EMode]:
        names = ("CollateralConfig", "CollateralBitmap", "BorrowableBitmap")
        ids, *answers = await self._ask(
            [
                ("getReservesList", ()),
                *((f"getEModeCategory{name}", (category,)) for category in _EMODES for name in names),
            ]
        )
        symbols = {reserve.token: reserve.symbol for reserve in self._market.reserves}

        def members(bitmap: int) -> frozenset[str]:
            return frozenset(symbols[token] for index, token in enumerate(ids) if bitmap >> index & 1)

        triples = zip(_EMODES, answers[::3], answers[1::3], answers[2::3], strict=True)
        return {
            category: EMode(category, limits[0], limits[1], members(collaterals), members(borrowables))
            for category, limits, collaterals, borrowables in triples
            if limits[1]
        }

    async def _ask(
        self, questions: Sequence[tuple[str, tuple[Any, ...]]], block: int | str = "latest"
    ) -> list[Any]:
        calls = [(self._market.pool, self._pool.encode(name, *args)) for name, args in questions]
        answers = await self._node.call_many(calls, block)
        return [self._pool.decode(name, answer) for (name, _), answer in zip(questions, answers, strict=True)]


def _listing(symbol: str, token: PricedToken, bits: int) -> Listing:
    """Aave's packed reserve configuration: offsets as in DataTypes.ReserveConfigurationMap."""
    return Listing(
        symbol=symbol,
        decimals=token.decimals,
        price=token.price,
        ltv=bits & 0xFFFF,
        threshold=bits >> 16 & 0xFFFF,
        borrowable=bool(bits >> 58 & 1),
        isolation_borrowable=bool(bits >> 61 & 1),
        debt_ceiling=bits >> 212 & (1 << 40) - 1,
    )
