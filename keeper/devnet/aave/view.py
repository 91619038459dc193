"""What a deployed Aave market says of itself and its accounts."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from keeper.devnet.aave.market import Market
from keeper.devnet.aave.terms import Listing, Terms
from keeper.devnet.exchange.ticks import PricedToken
from keeper.devnet.feeds import ETHER, in_usd, proxy_contract
from keeper.devnet.node import Node
from keeper.devnet.tokens import token_contract
from keeper.types import ZERO_ADDRESS, Address


class AccountData(NamedTuple):
    """What getUserAccountData says: bps, and the health factor in wad.

    Amounts are USD with 8 decimals, also where the market counts in ether.
    """

    collateral: int
    debt: int
    available: int
    threshold: int
    ltv: int
    health_factor: int


class Holding(NamedTuple):
    """One user's side of one reserve, raw token amounts with interest; `owed` is at the variable rate."""

    supplied: int
    owed: int
    is_collateral: bool
    owed_stable: int = 0


class MarketView:
    """Reads a market through its own view functions, as of a block or the newest one."""

    def __init__(self, node: Node, market: Market) -> None:
        self._node = node
        self._market = market
        self._pool = market.contracts["PoolInstance"]
        self._oracle = market.contracts["AaveOracle"]
        self._numbers: dict[str, int] = {}

    async def tokens(self, block: int | str = "latest") -> dict[str, PricedToken]:
        """Every reserve's token with its oracle price, by symbol."""
        reserves = self._market.reserves
        data = self._oracle.encode("getAssetsPrices", [reserve.token for reserve in reserves])
        answer = await self._node.call(self._market.oracle, data, block)
        prices = await self._in_usd(self._oracle.decode("getAssetsPrices", answer), block)
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
        return Terms(listings, await self._market.dialect.read_emodes(self._ask, await self.ids()))

    async def account(self, user: Address, block: int | str = "latest") -> AccountData:
        """Health of one account."""
        return (await self.accounts([user], block))[0]

    async def accounts(self, users: Sequence[Address], block: int | str = "latest") -> list[AccountData]:
        """Health of many accounts, in the order given."""
        answers = await self._ask([("getUserAccountData", (user,)) for user in users], block)
        amounts = await self._in_usd([amount for answer in answers for amount in answer[:3]], block)
        threes = zip(amounts[::3], amounts[1::3], amounts[2::3], strict=True)
        return [AccountData(*three, *answer[3:]) for three, answer in zip(threes, answers, strict=True)]

    async def emode(self, user: Address) -> int:
        """The user's efficiency mode, 0 for none."""
        if not self._market.dialect.has_emodes:
            return 0
        return int((await self._ask([("getUserEMode", (user,))]))[0])

    async def holdings(self, user: Address) -> dict[str, Holding]:
        """What the user supplied and owes, by symbol, every reserve listed."""
        reserves, balances = self._market.reserves, await self._balances(user)
        [(flags,)] = await self._ask([("getUserConfiguration", (user,))])
        ids = await self.ids()
        return {
            reserve.symbol: Holding(
                balances[reserve.a_token],
                balances[reserve.v_token],
                bool(flags >> (2 * ids[reserve.symbol] + 1) & 1),
                balances.get(reserve.s_token, 0),
            )
            for reserve in reserves
        }

    async def ids(self) -> dict[str, int]:
        """The pool's number of each reserve, by symbol: its place in the accounts' bitmaps."""
        if not self._numbers:
            reserves = self._market.reserves
            answers = await self._ask([("getReserveData", (reserve.token,)) for reserve in reserves])
            field = self._market.dialect.fields.id
            self._numbers = {
                reserve.symbol: int(answer[field]) for reserve, answer in zip(reserves, answers, strict=True)
            }
        return self._numbers

    async def _balances(self, user: Address) -> dict[Address, int]:
        contract = token_contract()
        tokens = [
            token
            for reserve in self._market.reserves
            for token in (reserve.a_token, reserve.v_token, reserve.s_token)
            if token != ZERO_ADDRESS
        ]
        balance = contract.encode("balanceOf", user)
        answers = await self._node.call_many([(token, balance) for token in tokens])
        return {
            token: int(contract.decode("balanceOf", answer))
            for token, answer in zip(tokens, answers, strict=True)
        }

    async def _in_usd(self, amounts: Sequence[int], block: int | str) -> list[int]:
        """Amounts of the oracle's currency in USD with 8 decimals."""
        if not self._market.dialect.ether:
            return list(amounts)
        feed, contract = self._market.reserve(ETHER).feed, proxy_contract()
        answer = await self._node.call(feed, contract.encode("latestAnswer"), block)
        ether = int(contract.decode("latestAnswer", answer))
        return [in_usd(amount, ether) for amount in amounts]

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
        siloed=bool(bits >> 62 & 1),
        stable=bool(bits >> 59 & 1),
    )
