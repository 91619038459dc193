"""Anyone on the devnet: users of the market, the price feeds, and time."""

from collections.abc import Mapping
from typing import Any

from keeper.devnet.aave_market import Market
from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.devnet.positions import VARIABLE_RATE
from keeper.devnet.tokens import approve, mint
from keeper.devnet.view import MarketView
from keeper.types import Address

Receipt = dict[str, Any]

STRANGER = Address("0x" + "f1" * 20)
"""Does what nobody in particular does."""


class Actors:
    """Acts as anyone on one market. Amounts are raw token amounts.

    Every method that sends raises DevnetError, with the contract's own reason, when it reverts.
    """

    def __init__(self, node: Node, market: Market) -> None:
        self.node = node
        self.market = market
        self.view = MarketView(node, market)
        self._feeds = market.feeds(node)
        self._approved: set[tuple[Address, str]] = set()
        self._flash_borrower: Address | None = None

    async def prices(self) -> dict[str, int]:
        """Feed prices by symbol, USD with 8 decimals."""
        return await self._feeds.prices()

    async def set_prices(self, prices: Mapping[str, int]) -> None:
        """Transmit prices (USD, 8 decimals) of several feeds in one block."""
        await self._feeds.set_prices(prices)

    async def crash(self, percents: Mapping[str, int], steps: int = 1) -> None:
        """Let each symbol's price fall by its percents, in equal steps of one block; below 0 it rises."""
        start = await self.prices()
        for step in range(1, steps + 1):
            await self.set_prices(fallen(start, percents, step, steps))

    async def advance(self, seconds: int) -> None:
        """Mine one block exactly `seconds` after the newest, so that interest accrues."""
        then = await self.node.timestamp() + seconds
        await self.node.batch([("evm_setNextBlockTimestamp", [hex(then)]), ("evm_mine", [])])

    async def give(self, user: Address, symbol: str, amount: int) -> None:
        """Mint `amount` for the user, and let the pool take the user's tokens."""
        token = self.market.reserve(symbol).token
        txs = [mint(token, user, amount)]
        if (user, symbol) not in self._approved:
            # A silent token refuses to replace an allowance that an earlier session may have given.
            txs += [approve(token, user, self.market.pool, 0), approve(token, user, self.market.pool)]
        await self.node.fund([user])
        await self.node.send_many(txs)
        self._approved.add((user, symbol))

    async def supply(
        self, user: Address, symbol: str, amount: int, *, for_user: Address | None = None
    ) -> Receipt:
        """Supply tokens that the user has, to the credit of `for_user`."""
        return await self._pool(user, "supply", self._token(symbol), amount, for_user or user, 0)

    async def withdraw(self, user: Address, symbol: str, amount: int) -> Receipt:
        """Withdraw to the user; MAX_UINT256 withdraws everything."""
        return await self._pool(user, "withdraw", self._token(symbol), amount, user)

    async def borrow(self, user: Address, symbol: str, amount: int) -> Receipt:
        """Borrow at the variable rate."""
        return await self._pool(user, "borrow", self._token(symbol), amount, VARIABLE_RATE, 0, user)

    async def repay(
        self, user: Address, symbol: str, amount: int, *, for_user: Address | None = None
    ) -> Receipt:
        """Repay with tokens that the user has; MAX_UINT256 repays the user's own whole debt."""
        return await self._pool(user, "repay", self._token(symbol), amount, VARIABLE_RATE, for_user or user)

    async def repay_with_a_tokens(self, user: Address, symbol: str, amount: int) -> Receipt:
        """Repay with what the user supplied; MAX_UINT256 repays all it can."""
        return await self._pool(user, "repayWithATokens", self._token(symbol), amount, VARIABLE_RATE)

    async def transfer(self, user: Address, symbol: str, amount: int, receiver: Address) -> Receipt:
        """Transfer aTokens."""
        data = self.market.contracts["ATokenInstance"].encode("transfer", receiver, amount)
        return await self._send(Tx(user, self.market.reserve(symbol).a_token, data))

    async def transfer_all(self, user: Address, symbol: str, receiver: Address) -> Receipt:
        """Transfer every aToken: exactly the balance of the second in which the transfer is mined."""
        soon = await self.node.timestamp() + 1
        contract, a_token = self.market.contracts["ATokenInstance"], self.market.reserve(symbol).a_token
        call = {"to": a_token, "data": "0x" + contract.encode("balanceOf", user).hex()}
        balance = await self.node.request("eth_call", call, "latest", {}, {"time": hex(soon)})
        await self.node.request("evm_setNextBlockTimestamp", hex(soon))
        return await self.transfer(user, symbol, int(balance, 16), receiver)

    async def use_as_collateral(self, user: Address, symbol: str, use: bool) -> Receipt:
        """Switch a reserve on or off as collateral."""
        return await self._pool(user, "setUserUseReserveAsCollateral", self._token(symbol), use)

    async def set_emode(self, user: Address, category: int) -> Receipt:
        """Enter an efficiency mode; 0 leaves."""
        return await self._pool(user, "setUserEMode", category)

    async def liquidate(
        self,
        liquidator: Address,
        borrower: Address,
        collateral: str,
        debt: str,
        amount: int,
        *,
        receive_a_token: bool = False,
    ) -> Receipt:
        """Repay `amount` of the borrower's debt with the liquidator's tokens; MAX_UINT256: all allowed."""
        return await self._pool(
            liquidator,
            "liquidationCall",
            self._token(collateral),
            self._token(debt),
            borrower,
            amount,
            receive_a_token,
        )

    async def mint_to_treasury(self, *symbols: str) -> Receipt:
        """Pay the treasury what it earned in these reserves; anyone may."""
        return await self._pool(STRANGER, "mintToTreasury", [self._token(symbol) for symbol in symbols])

    async def flash_loan(self, symbol: str, amount: int, *, repays: bool = True) -> Receipt:
        """Take a simple flash loan with a contract that gives it back, or does not and so reverts."""
        contract = Contract.built("flash_borrower")
        if self._flash_borrower is None:
            await self.node.fund([STRANGER])
            (self._flash_borrower,) = await self.node.deploy(STRANGER, contract.deploy_data())
        data = contract.encode("borrow", self.market.pool, self._token(symbol), amount, repays)
        return await self._send(Tx(STRANGER, self._flash_borrower, data))

    def _token(self, symbol: str) -> Address:
        return self.market.reserve(symbol).token

    async def _pool(self, user: Address, name: str, *args: Any) -> Receipt:
        return await self._send(self.market.pool_tx(user, name, *args))

    async def _send(self, tx: Tx) -> Receipt:
        await self.node.fund([tx.sender])
        return await self.node.send(tx)


def fallen(
    prices: Mapping[str, int], percents: Mapping[str, int], step: int = 1, steps: int = 1
) -> dict[str, int]:
    """Prices after `step` of `steps` equal falls by `percents`; only the symbols that fall."""
    return {
        symbol: prices[symbol] * (100 * steps - percent * step) // (100 * steps)
        for symbol, percent in percents.items()
    }
