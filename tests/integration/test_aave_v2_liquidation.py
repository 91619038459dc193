"""Aave v2 liquidations predicted for the block they are mined in, then carried out: every amount is exact."""

from collections import Counter
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

import pytest

from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import STABLE_RATE
from keeper.devnet.borrowers import Mix
from keeper.devnet.network import Network
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, mint, token_contract
from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.base import Opportunity, Refusal, Settlement
from keeper.types import MAX_UINT256, WAD, Address
from tests.aave_v2_differential import Comparison, Following, following

LIQUIDATOR = Address("0x" + "11" * 20)
DRAINER = Address("0x" + "dd" * 20)
STABLE_BORROWER = Address("0x" + "5b" * 20)
BOTH = Address("0x" + "b0" * 20)
ACCOUNTS = 10
GAPS = (1, 12, 3600, 5 * 86_400)
"""Seconds until the block of the liquidation: more of them, more interest."""

UNUSED_SHARE = 0.2
"""How many of the pairs are tried that the account does not have; each takes three calls."""

VOLATILE = ("WETH", "wstETH", "WBTC", "LINK", "GOLD")
MIX = Mix(suppliers=2, dust=25, whales=5, near_limit=80)


class Scenario(NamedTuple):
    """`falls` in percent by symbol. `shows` is what must have been seen at its end.

    In a `thin` market nearly all is borrowed; `barren` reserves give suppliers nothing. In a `closed`
    market one reserve is not active, and in the end the pool is paused.
    """

    seed: int
    falls: Mapping[str, int]
    shows: frozenset[str]
    thin: bool = False
    barren: bool = False
    closed: bool = False
    borrowers: int = 40


PLAIN = frozenset({"all", "aTokens", "capped", "42", "43", "44", "23"})
SCENARIOS = {
    "mild": Scenario(41, dict.fromkeys(VOLATILE, 12), PLAIN),
    "deep": Scenario(42, dict.fromkeys(VOLATILE, 60), PLAIN | {"stable", "emptied"}),
    "thin": Scenario(43, dict.fromkeys(VOLATILE, 25), frozenset({"all", "45"}), thin=True),
    "barren": Scenario(44, dict.fromkeys(VOLATILE, 25), PLAIN, barren=True),
    "closed": Scenario(
        45, dict.fromkeys(VOLATILE, 60), frozenset({"all", "2", "64"}), closed=True, borrowers=2
    ),
}


class Trials:
    """Tries liquidations on a chain that is put back after each of them."""

    def __init__(self, network: Network, follows: Following, seed: int) -> None:
        self.network = network
        self.follows = follows
        self.random = Random(seed)
        self.seen: Counter[str] = Counter()
        self.differences: list[str] = []

    async def account(self, account: Address) -> None:
        """Every pair of the account, every interesting amount; a pair drawn from all assets besides."""
        head = await self.follows.catch_up()
        timestamp = head.timestamp + self.random.choice(GAPS)
        frame = self.follows.market.frame(timestamp)
        found = {
            (each.debt.asset, each.collateral.asset): each
            for each in self.follows.market.opportunities(account, frame)
        }
        for pair in self._pairs(account):
            known = found.get((pair.debt.asset, pair.collateral.asset), pair)
            for amount in self._amounts(known.ranges):
                await self._try(known, amount, frame)
            await self._try(known, self._amounts(known.ranges)[-1], frame, receive_a_token=True)

    def _pairs(self, account: Address) -> Iterator[Opportunity]:
        market = self.follows.market
        frame = market.frame(0)
        assets = list(market.assets())
        held = {each.asset.asset: each for each in market.holdings(account, frame)}
        for debt in assets:
            for collateral in assets:
                near = debt.asset in held and collateral.asset in held
                if near or self.random.random() < UNUSED_SHARE:
                    yield Opportunity(account, debt, collateral, ())

    def _amounts(self, ranges: tuple[tuple[int, int], ...]) -> list[int]:
        """Both ends of every range, what lies just outside of them, and some of the inside."""
        amounts = {0, 1, MAX_UINT256}
        for first, last in ranges:
            amounts |= {first - 1, first, self.random.randint(first, last), last, last + 1}
        return sorted(amounts)

    async def _try(
        self, pair: Opportunity, amount: int, frame: AaveV2Frame, *, receive_a_token: bool = False
    ) -> None:
        market, node = self.follows.market, self.network.node
        predicted = market.settle(pair, amount, frame, receive_a_token=receive_a_token)
        snapshot = await node.request("evm_snapshot")
        actual = await self._carry_out(pair, amount, frame.timestamp, receive_a_token)
        where = f"{amount} {pair.debt.symbol} for {pair.collateral.symbol} of {pair.account}: {pair.ranges}"
        if isinstance(predicted, Settlement):
            assert actual == (predicted.repay, predicted.seize), where
        else:
            assert actual == predicted.code, (where, predicted)
        if pair.ranges and not receive_a_token:
            inside = any(first <= amount <= last for first, last in pair.ranges)
            if amount > pair.ranges[-1][1] and isinstance(predicted, Settlement):
                assert predicted == market.settle(pair, pair.ranges[-1][1], frame), where
            else:
                assert inside == isinstance(predicted, Settlement), where
        self._count(pair, amount, frame, predicted, receive_a_token)
        followed = isinstance(predicted, Settlement) and self.seen["all"] % 15 == 0
        if followed:
            everything = await Comparison(self.network).everything(self.follows, [LIQUIDATOR])
            assert everything == [], where
        assert await node.request("evm_revert", snapshot)
        if followed:
            await self.follows.catch_up()

    async def _carry_out(self, pair: Opportunity, amount: int, timestamp: int, receive_a_token: bool) -> Any:
        """(repaid, seized) as emitted and as moved, or the contract's error code."""
        network = self.network
        call = (pair.collateral.address, pair.debt.address, pair.account, amount, receive_a_token)
        before = await self._balances(pair)
        await network.node.request("evm_setNextBlockTimestamp", timestamp)
        try:
            receipt = await network.node.send(network.market.pool_tx(LIQUIDATOR, "liquidationCall", *call))
        except DevnetError as error:
            return str(error).rpartition("reverted: ")[2]
        [event] = network.market.contracts["LendingPoolCollateralManager"].events("LiquidationCall", receipt)
        repaid, seized = event["debtToCover"], event["liquidatedCollateralAmount"]
        after = await self._balances(pair)
        moved = Counter({pair.debt.address: -repaid})
        moved[pair.collateral.address] += 0 if receive_a_token else seized
        assert {token: after[token] - before[token] for token in after} == moved
        return repaid, seized

    async def _balances(self, pair: Opportunity) -> dict[Address, int]:
        tokens = (pair.debt.address, pair.collateral.address)
        data = token_contract().encode("balanceOf", LIQUIDATOR)
        answers = await self.network.node.call_many([(token, data) for token in tokens])
        return {token: int.from_bytes(answer) for token, answer in zip(tokens, answers, strict=True)}

    def _count(
        self,
        pair: Opportunity,
        amount: int,
        frame: AaveV2Frame,
        predicted: Settlement | Refusal,
        receive_a_token: bool,
    ) -> None:
        if isinstance(predicted, Refusal):
            self.seen[predicted.code] += 1
            return
        market = self.follows.market
        held = market.holdings(pair.account, frame)
        traits = {
            "all": True,
            "aTokens": receive_a_token,
            "capped": amount > predicted.repay,
            "stable": pair.debt.asset in market.stable_debt(pair.account, frame),
            "same asset": pair.debt.asset == pair.collateral.asset,
            "emptied": any(
                each.asset.asset == pair.collateral.asset and each.amount == predicted.seize for each in held
            ),
        }
        self.seen.update(trait for trait, holds in traits.items() if holds)


async def prepare(network: Network, scenario: Scenario) -> None:
    """Bring the market of a scenario about."""
    node, actors, market = network.node, network.actors, network.market
    await node.fund([LIQUIDATOR])
    for reserve in market.reserves:
        await node.send_many(
            [mint(reserve.token, LIQUIDATOR, 10**30), approve(reserve.token, LIQUIDATOR, market.pool)]
        )
    for user, rates in (
        (STABLE_BORROWER, ((STABLE_RATE, 20_000),)),
        (BOTH, ((STABLE_RATE, 9_000), (2, 12_000))),
    ):
        await actors.give(user, "WBTC", 10**8)
        await actors.supply(user, "WBTC", 10**8)
        for rate, dollars in rates:
            await actors.borrow(user, "USDC", dollars * 10**6, rate=rate)
    if scenario.thin:
        await actors.give(DRAINER, "DAI", 10**10 * WAD)
        await actors.supply(DRAINER, "DAI", 10**10 * WAD)
        for symbol in ("WETH", "wstETH", "WBTC", "LINK"):
            reserve = market.reserve(symbol)
            answer = await node.call(reserve.token, token_contract().encode("balanceOf", reserve.a_token))
            held = int.from_bytes(answer)
            await actors.borrow(DRAINER, symbol, held - held // 10**7)
    if scenario.barren:
        for reserve in market.reserves:
            await node.send(market.configurator_tx("setReserveFactor", reserve.token, 10_000))
            # The next update of its rates makes them nothing.
            await actors.give(DRAINER, reserve.symbol, 10**3)
            await actors.supply(DRAINER, reserve.symbol, 10**3)
    await actors.advance(30 * 86_400)
    await actors.crash(scenario.falls)


async def weak_accounts(network: Network, follows: Following) -> list[Address]:
    """Some that may be liquidated, those with stable debt among them, and the healthiest."""
    head = await follows.catch_up()
    market, frame = follows.market, follows.market.frame(head.timestamp)
    users = [STABLE_BORROWER, BOTH, *(each.address for each in network.borrowers)]
    factors = {user: market.health(user, frame).health_factor for user in users}
    weak = [user for user, factor in factors.items() if factor < WAD]
    return [*weak[:ACCOUNTS], max(factors, key=factors.__getitem__)]


async def close(network: Network) -> None:
    """Deactivate a reserve that only the whale supplies: only what is empty can be."""
    actors, market = network.actors, network.market
    for reserve in market.reserves:
        await actors.withdraw(market.whale, reserve.symbol, MAX_UINT256)
        try:
            await network.node.send(market.configurator_tx("deactivateReserve", reserve.token))
        except DevnetError:
            continue
        return
    raise AssertionError("every reserve is in use")


@pytest.mark.parametrize("name", SCENARIOS)
async def test_aave_v2_liquidation__predicted_for_its_block__is_what_the_contract_does(name: str) -> None:
    scenario = SCENARIOS[name]
    async with Network.start(
        version=Version.V2, borrowers=scenario.borrowers, seed=scenario.seed, mix=MIX
    ) as network:
        await prepare(network, scenario)
        market = network.market
        async with following(network.anvil, market.provider, market.start_block) as follows:
            trials = Trials(network, follows, scenario.seed)
            weak = await weak_accounts(network, follows)
            if scenario.closed:
                await close(network)
            for account in weak:
                await trials.account(account)
            if scenario.closed:
                await network.node.send(market.configurator_tx("setPoolPause", True))
                await trials.account(weak[0])
    assert scenario.shows <= set(trials.seen), trials.seen
