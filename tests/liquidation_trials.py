"""Liquidations predicted for the block they are mined in, then carried out, on any devnet."""

from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from keeper.devnet.network import Network
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, mint, token_contract
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.base import AssetInfo, Opportunity, Refusal, Settlement, Side
from keeper.types import MAX_UINT256, WAD, Address
from tests.differential import Comparison, Following

LIQUIDATOR = Address("0x" + "11" * 20)
DRAINER = Address("0x" + "dd" * 20)
ACCOUNTS = 18
"""How many liquidatable accounts of a devnet are tried."""

GAPS = (1, 12, 3600, 5 * 86_400)
"""Seconds until the block of the liquidation: more of them, more interest."""


class Scenario(NamedTuple):
    """`falls` in percent by symbol, before `seconds` pass. `shows` is what must have been seen at its end.

    In a `thin` market nearly all is borrowed; in a `restricted` one reserves are paused, frozen, without a
    protocol fee.
    """

    seed: int
    falls: Mapping[str, int]
    shows: frozenset[str]
    seconds: int = 12
    thin: bool = False
    restricted: bool = False


class Counts(NamedTuple):
    """What was tried: calls that went through by trait, and refusals by code."""

    carried_out: Counter[str]
    refused: Counter[str]


class Trials:
    """Tries liquidations on a chain that is put back after each of them."""

    def __init__(self, network: Network, follows: Following, scenario: Scenario) -> None:
        self.node = network.node
        self.market = network.market
        self.follows = follows
        self.seed = scenario.seed
        self.random = Random(scenario.seed)
        self.comparison = Comparison(network.node, network.market, scenario.seed)
        self.counts = Counts(Counter(), Counter())

    async def account(self, account: Address) -> None:
        """Every pair of the account, every interesting amount."""
        head = await self.follows.catch_up()
        timestamp = head.timestamp + self.random.choice(GAPS)
        market = self.follows.market
        frame = market.frame(timestamp)
        found = {
            (each.debt.asset, each.collateral.asset): each for each in market.opportunities(account, frame)
        }
        for debt, collateral in self._pairs(account):
            pair = found.get((debt.asset, collateral.asset)) or Opportunity(account, debt, collateral, ())
            for amount in self._amounts(pair.ranges):
                await self._try(pair, amount, frame)
            await self._try(pair, self._amounts(pair.ranges)[-1], frame, receive_a_token=True)
        any_debt, any_collateral = (self.random.choice(market.assets()) for _ in range(2))
        await self._try(Opportunity(account, any_debt, any_collateral, ()), 10**6, frame)

    def _pairs(self, account: Address) -> Iterator[tuple[AssetInfo, AssetInfo]]:
        assets = {info.asset: info for info in self.follows.market.assets()}
        legs = list(self.follows.market.book.legs(account))
        for debt in (leg[0] for leg in legs if leg[1] is Side.DEBT):
            for collateral in (leg[0] for leg in legs if leg[1] is Side.COLLATERAL):
                yield assets[debt], assets[collateral]

    def _amounts(self, ranges: tuple[tuple[int, int], ...]) -> list[int]:
        """Both ends of every range, what lies just outside of them, and some of the inside."""
        amounts = {0, 1, MAX_UINT256}
        for first, last in ranges:
            inside = (self.random.randint(first, last), self.random.randint(first, last))
            amounts |= {first - 1, first, *inside, last, last + 1}
        return sorted(amounts)

    async def _try(
        self, pair: Opportunity, amount: int, frame: AaveFrame, *, receive_a_token: bool = False
    ) -> None:
        market = self.follows.market
        predicted = market.settle(pair, amount, frame, receive_a_token=receive_a_token)
        snapshot = await self.node.request("evm_snapshot")
        actual = await self._carry_out(pair, amount, frame.timestamp, receive_a_token)
        where = (
            f"{amount} {pair.debt.symbol} for {pair.collateral.symbol} of {pair.account}, aTokens: "
            f"{receive_a_token}, time {frame.timestamp}, ranges {pair.ranges}, seed {self.seed}"
        )
        assert actual in _expected(pair, predicted), where
        if pair.ranges and not receive_a_token:
            inside = any(first <= amount <= last for first, last in pair.ranges)
            if amount > pair.ranges[-1][1] and isinstance(predicted, Settlement):
                assert predicted == market.settle(pair, pair.ranges[-1][1], frame), where
            else:
                assert inside == isinstance(predicted, Settlement), where
        self._count(pair, amount, predicted, receive_a_token)
        followed = isinstance(predicted, Settlement) and self.counts.carried_out["all"] % 20 == 0
        if followed:
            parties = [pair.account, LIQUIDATOR, self.market.treasury]
            assert await self.comparison.health(self.follows, parties) == [], where
        assert await self.node.request("evm_revert", snapshot)
        if followed:
            await self.follows.catch_up()

    async def _carry_out(self, pair: Opportunity, amount: int, timestamp: int, receive_a_token: bool) -> Any:
        """(repaid, seized, protocol fee, bad debt), or the contract's error."""
        call = (pair.collateral.address, pair.debt.address, pair.account, amount, receive_a_token)
        before = await self._balances(pair)
        await self.node.request("evm_setNextBlockTimestamp", timestamp)
        try:
            receipt = await self.node.send(self.market.pool_tx(LIQUIDATOR, "liquidationCall", *call))
        except DevnetError as error:
            return str(error).rpartition("reverted: ")[2].removesuffix("()")
        assert await self.node.timestamp() == timestamp
        pool = self.market.contracts["PoolInstance"]
        [event] = pool.events("LiquidationCall", receipt)
        repaid, seized = event["debtToCover"], event["liquidatedCollateralAmount"]
        after = await self._balances(pair)
        moved = Counter({pair.debt.address: -repaid})
        moved[pair.collateral.address] += 0 if receive_a_token else seized
        assert {token: after[token] - before[token] for token in after} == moved
        deficits = {
            each["debtAsset"]: each["amountCreated"] for each in pool.events("DeficitCreated", receipt)
        }
        return repaid, seized, self._fee(pair, receipt), deficits

    async def _balances(self, pair: Opportunity) -> dict[Address, int]:
        tokens = (pair.debt.address, pair.collateral.address)
        data = token_contract().encode("balanceOf", LIQUIDATOR)
        answers = await self.node.call_many([(token, data) for token in tokens])
        return {token: int.from_bytes(answer) for token, answer in zip(tokens, answers, strict=True)}

    def _fee(self, pair: Opportunity, receipt: Mapping[str, Any]) -> int:
        """What went from the borrower to the treasury."""
        token = self.market.contracts["ATokenInstance"]
        a_token = self.market.reserve(pair.collateral.symbol).a_token
        return sum(
            transfer["value"]
            for transfer in token.events("Transfer", receipt)
            if (transfer["address"], transfer["from"], transfer["to"])
            == (a_token, pair.account, self.market.treasury)
        )

    def _count(
        self, pair: Opportunity, amount: int, predicted: Settlement | Refusal, receive_a_token: bool
    ) -> None:
        if isinstance(predicted, Refusal):
            self.counts.refused[predicted.code] += 1
            return
        group = self.follows.market.book.group(pair.account)
        traits = {
            "all": True,
            "bad debt": any(predicted.bad_debt.values()),
            "eMode": group > 0,
            "isolated": pair.collateral.symbol == "GOLD",
            "same asset": pair.collateral == pair.debt,
            "aTokens": receive_a_token,
            "capped": amount > predicted.repay,
            "fee": predicted.protocol_fee > 0,
        }
        self.counts.carried_out.update(trait for trait, holds in traits.items() if holds)


def _expected(pair: Opportunity, predicted: Settlement | Refusal) -> list[Any]:
    """What `_carry_out` may return: one result, save where the contracts have two ways to lack tokens."""
    if isinstance(predicted, Settlement):
        bad_debt = {asset: amount for asset, amount in predicted.bad_debt.items() if amount}
        return [(predicted.repay, predicted.seize, predicted.protocol_fee, bad_debt)]
    if predicted.code != "InsufficientLiquidity":
        return [predicted.code]
    # The pool's own count of the tokens underflows. It has the repayment in it already where both assets
    # are one; the tokens themselves arrive later, so then the token may be what refuses, in its own way.
    return ["panic 0x11", "execution reverted"] if pair.debt == pair.collateral else ["panic 0x11"]


async def fund(network: Network) -> None:
    """Give the liquidator more of every token than anybody owes."""
    node = network.node
    await node.fund([LIQUIDATOR])
    for reserve in network.market.reserves:
        await node.send_many(
            [mint(reserve.token, LIQUIDATOR, 10**30), approve(reserve.token, LIQUIDATOR, network.market.pool)]
        )


async def drain(network: Network) -> None:
    """Borrow nearly all that can be paid out, against more than enough."""
    actors, dollars = network.actors, 10**10 * WAD
    await actors.give(DRAINER, "DAI", dollars)
    await actors.supply(DRAINER, "DAI", dollars)
    for symbol in ("WETH", "wstETH", "WBTC", "LINK", "USDC"):
        token = network.market.reserve(symbol).token
        held = await network.market.read_pool(network.node, "getVirtualUnderlyingBalance", token)
        await actors.borrow(DRAINER, symbol, held - held // 10**7)


async def restrict(network: Network) -> None:
    """One reserve paused, one in the grace period after a pause, one frozen, one without a protocol fee."""
    market, hours = network.market, 7200
    for name, symbol, *args in (
        ("setReservePause", "WBTC", True),
        ("setReservePause", "LINK", True),
        ("setReservePause", "LINK", False, hours),
        ("setReserveFreeze", "USDC", True),
        ("setLiquidationProtocolFee", "WETH", 0),
    ):
        await network.node.send(market.configurator_tx(str(name), market.reserve(str(symbol)).token, *args))


async def prepare(network: Network, scenario: Scenario) -> None:
    await fund(network)
    if scenario.thin:
        await drain(network)
    await network.actors.crash(scenario.falls)
    await network.actors.advance(scenario.seconds)
    if scenario.restricted:
        await restrict(network)


async def play(network: Network, follows: Following, scenario: Scenario) -> Counts:
    """Try every pair of some of the liquidatable accounts, and of a healthy one."""
    trials = Trials(network, follows, scenario)
    head = await follows.catch_up()
    users = [borrower.address for borrower in network.borrowers]
    accounts = await network.actors.view.accounts(users, head.number)
    factors = {user: account.health_factor for user, account in zip(users, accounts, strict=True)}
    weak = [user for user, factor in factors.items() if factor < WAD]
    for user in [*weak[:ACCOUNTS], max(factors, key=factors.__getitem__)]:
        await trials.account(user)
    return trials.counts
