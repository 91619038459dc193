"""Anyone on the devnet: users of the market, the price feeds, and time."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eth_abi.abi import encode

from keeper.devnet.aave.market import STABLE_RATE, VARIABLE_RATE, Market
from keeper.devnet.aave.view import MarketView
from keeper.devnet.contract import Contract
from keeper.devnet.node import Node, Tx
from keeper.devnet.tokens import approve, mint
from keeper.types import Address

Receipt = dict[str, Any]

STRANGER = Address("0x" + "f1" * 20)
"""Does what nobody in particular does."""


class FlashLoan(NamedTuple):
    """One asset of a flash loan; `rate` is the rate of the debt that it becomes, 0 when it is given back."""

    symbol: str
    amount: int
    rate: int = 0


class Actors:
    """Acts as anyone on one market. Amounts are raw token amounts.

    Every method that sends raises DevnetError, with the contract's own reason, when it reverts.
    """

    def __init__(self, node: Node, market: Market) -> None:
        self.node = node
        self.adopt(market)
        self._approved: set[tuple[Address, Address]] = set()
        self._receivers: dict[str, Address] = {}

    def adopt(self, market: Market) -> None:
        """Act on `market` from now on: the same one after its reserves, sources or oracle have changed."""
        self.market = market
        self.view = MarketView(self.node, market)
        self.feeds = market.feeds(self.node)

    async def prices(self) -> dict[str, int]:
        """Feed prices by symbol, USD with 8 decimals."""
        return await self.feeds.prices()

    async def set_prices(self, prices: Mapping[str, int]) -> None:
        """Transmit prices (USD, 8 decimals) of several feeds in one block."""
        await self.feeds.set_prices(prices)

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
        if (user, token) not in self._approved:
            # A silent token refuses to replace an allowance that an earlier session may have given.
            txs += [approve(token, user, self.market.pool, 0), approve(token, user, self.market.pool)]
        await self.node.fund([user])
        await self.node.send_many(txs)
        self._approved.add((user, token))

    async def supply(
        self, user: Address, symbol: str, amount: int, *, for_user: Address | None = None
    ) -> Receipt:
        """Supply tokens that the user has, to the credit of `for_user`."""
        name = self.market.dialect.supply
        return await self._pool(user, name, self._token(symbol), amount, for_user or user, 0)

    async def withdraw(self, user: Address, symbol: str, amount: int) -> Receipt:
        """Withdraw to the user; MAX_UINT256 withdraws everything."""
        return await self._pool(user, "withdraw", self._token(symbol), amount, user)

    async def borrow(
        self,
        user: Address,
        symbol: str,
        amount: int,
        *,
        for_user: Address | None = None,
        rate: int = VARIABLE_RATE,
    ) -> Receipt:
        """Borrow; the debt is that of `for_user`, who has delegated credit to the user."""
        return await self._pool(user, "borrow", self._token(symbol), amount, rate, 0, for_user or user)

    async def delegate(
        self, user: Address, symbol: str, amount: int, delegatee: Address, *, rate: int = VARIABLE_RATE
    ) -> Receipt:
        """Let `delegatee` borrow up to `amount` on the user's credit."""
        reserve = self.market.reserve(symbol)
        token = reserve.s_token if rate == STABLE_RATE else reserve.v_token
        data = self.market.contracts["VariableDebtTokenInstance"].encode(
            "approveDelegation", delegatee, amount
        )
        return await self._send(Tx(user, token, data))

    async def repay(
        self,
        user: Address,
        symbol: str,
        amount: int,
        *,
        for_user: Address | None = None,
        rate: int = VARIABLE_RATE,
    ) -> Receipt:
        """Repay with tokens that the user has; MAX_UINT256 repays the user's own whole debt at that rate."""
        return await self._pool(user, "repay", self._token(symbol), amount, rate, for_user or user)

    async def swap_rate(self, user: Address, symbol: str, rate: int) -> Receipt:
        """Change the user's debt at `rate` to the other rate (until v3.1)."""
        return await self._pool(user, "swapBorrowRateMode", self._token(symbol), rate)

    async def rebalance(self, symbol: str, user: Address) -> Receipt:
        """Bring the user's stable rate to the present one (until v3.1); anyone may when it is too low."""
        return await self._pool(STRANGER, "rebalanceStableBorrowRate", self._token(symbol), user)

    async def mint_unbacked(self, symbol: str, amount: int, for_user: Address) -> Receipt:
        """As a bridge, mint aTokens that nothing is behind yet (v3.0 to v3.3)."""
        return await self._pool(self.market.admin, "mintUnbacked", self._token(symbol), amount, for_user, 0)

    async def back_unbacked(self, symbol: str, amount: int, fee: int) -> Receipt:
        """As a bridge, pay in what is behind unbacked aTokens, and a fee (v3.0 to v3.3)."""
        return await self._pool(self.market.admin, "backUnbacked", self._token(symbol), amount, fee)

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

    async def use_as_collateral_for(self, manager: Address, symbol: str, use: bool, user: Address) -> Receipt:
        """The same by someone whom the user made a position manager (from v3.4 on)."""
        await self._pool(user, "approvePositionManager", manager, True)
        name = "setUserUseReserveAsCollateralOnBehalfOf"
        return await self._pool(manager, name, self._token(symbol), use, user)

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
        receiver = await self._receiver("flash_borrower")
        data = Contract.built("flash_borrower").encode(
            "borrow", self.market.pool, self._token(symbol), amount, repays
        )
        return await self._send(Tx(STRANGER, receiver, data))

    async def flash_loans(
        self,
        user: Address,
        loans: Sequence[FlashLoan],
        *,
        for_user: Address | None = None,
        repays: bool = True,
    ) -> Receipt:
        """Take several flash loans at once for a contract that gives back those that are no debt.

        Debts are of `for_user`, who has delegated credit to the user.
        """
        receiver = await self._receiver("flash_borrower_many")
        return await self._pool(
            user,
            "flashLoan",
            receiver,
            [self._token(loan.symbol) for loan in loans],
            [loan.amount for loan in loans],
            [loan.rate for loan in loans],
            for_user or user,
            encode(["bool"], [repays]),
            0,
        )

    async def _receiver(self, name: str) -> Address:
        if name not in self._receivers:
            await self.node.fund([STRANGER])
            code = Contract.built(name).deploy_data()
            (self._receivers[name],) = await self.node.deploy(STRANGER, code)
        return self._receivers[name]

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
