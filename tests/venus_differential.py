"""A followed Venus against its contracts: markets, accounts, shortfalls, and what liquidations would do."""

from random import Random
from typing import Any, NamedTuple

from keeper.devnet.network import Network
from keeper.devnet.reverts import revert_reason
from keeper.devnet.venus.actions import LIQUIDATOR, VenusActions, VenusKind
from keeper.devnet.venus.core import VenusListing
from keeper.devnet.venus.deployer import LENDER, Venus
from keeper.protocols.base import Refusal
from keeper.protocols.venus.frame import VenusFrame
from keeper.protocols.venus.liquidation import Taken, refused, seized
from keeper.protocols.venus.liquidity import NOTHING, liquidity
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.pair import examine
from keeper.protocols.venus.position import Position, vai_debt
from keeper.protocols.venus.records import state_of, vtokens
from keeper.protocols.venus.reverts import soft_failure
from keeper.types import WAD, Address, BlockRef
from tests.differential import BLOCK_SECONDS
from tests.following import Follows
from tests.protocol_run import ProtocolRun, following, protocol_run

CARRIED_OUT = "carried out"


async def venus_run(*, seed: int, actions: int, borrowers: int, every: int = 10) -> ProtocolRun:
    """Random actions of `borrowers` accounts on all markets of a devnet's Venus."""
    async with (
        Network.start(protocols=["venus"], borrowers=borrowers, seed=seed) as network,
        following(network.anvil, network.venus) as follows,
    ):
        venus = network.venus
        users = [borrower.address for borrower in venus.borrowers]
        comparison = VenusComparison(venus, follows, users, seed)
        return await protocol_run(
            network.node,
            venus,
            follows,
            VenusActions(venus, users, seed),
            comparison.everything,
            kinds=frozenset(VenusKind),
            actions=actions,
            every=every,
        )


class Moment(NamedTuple):
    """The keeper's market at the head, and the number of each vToken in it."""

    own: VenusMarket
    head: BlockRef
    frame: VenusFrame
    numbers: dict[Address, int]


class VenusComparison:
    """Asks the contracts themselves, through their own ABIs, at one block."""

    def __init__(self, venus: Venus, follows: Follows, users: list[Address], seed: int) -> None:
        self._core = venus.core
        self._follows = follows
        self._users = users
        self._seed = seed
        self._random = Random(f"comparison {seed}")
        self._errors = {
            selector: entry
            for each in venus.core.contracts.values()
            for selector, entry in each.errors().items()
        }

    async def everything(self, run: ProtocolRun, head: BlockRef) -> None:
        """Every market, every account, and a liquidation of everyone with debt."""
        own = self._follows.follower.market
        assert isinstance(own, VenusMarket)
        numbers = {vtoken: number for number, vtoken in enumerate(vtokens(own.book))}
        now = Moment(own, head, own.frame(head.timestamp, number=head.number), numbers)
        for listing in self._core.listings.values():
            await self._market(run, now, listing)
        for user in (*self._users, LIQUIDATOR, LENDER):
            await self._account(run, now, user)

    async def _market(self, run: ProtocolRun, now: Moment, listing: VenusListing) -> None:
        number, head, frame = now.numbers[listing.vtoken], now.head, now.frame
        state = state_of(now.own.book, number)
        names = {
            "totalBorrows": state.borrows,
            "totalReserves": state.reserves,
            "totalSupply": state.supply,
            "borrowIndex": state.borrow_index,
            "getCash": state.cash,
            "accrualBlockNumber": state.block,
            "reserveFactorMantissa": state.reserve_factor,
            "exchangeRateStored": frame.markets[number].stored.rate,
            "exchangeRateCurrent": frame.markets[number].accrued.rate,
        }
        theirs = {
            name: await self._ask(listing.vtoken, "VBep20Immutable", name, head.number) for name in names
        }
        run.compare(self._seed, head.number, listing.symbol, names, theirs)

    async def _account(self, run: ProtocolRun, now: Moment, user: Address) -> None:
        own, head, frame, numbers = now
        run.accounts += 1
        position = Position.of(own.book, user)
        ours: dict[str, Any] = {"pool": position.pool}
        theirs: dict[str, Any] = {"pool": await self._comptroller("userPoolId", head.number, user)}
        for symbol, listing in self._core.listings.items():
            number = numbers[listing.vtoken]
            snapshot = await self._ask(
                listing.vtoken, "VBep20Immutable", "getAccountSnapshot", head.number, user
            )
            theirs |= {f"tokens of {symbol}": snapshot[1], f"debt of {symbol}": snapshot[2]}
            ours[f"tokens of {symbol}"] = position.tokens.get(number, 0)
            ours[f"debt of {symbol}"] = position.balance(number, NOTHING, frame)
            current = await self._ask(
                listing.vtoken, "VBep20Immutable", "borrowBalanceCurrent", head.number, user
            )
            theirs[f"accrued debt of {symbol}"] = current
            ours[f"accrued debt of {symbol}"] = position.balance(number, frozenset({number}), frame)
        theirs["VAI"] = await self._ask(
            self._core.vai_controller, "VAIController", "getVAIRepayAmount", head.number, user
        )
        ours["VAI"] = vai_debt(position, frame)
        _, theirs["liquidity"], theirs["shortfall"] = await self._comptroller(
            "getAccountLiquidity", head.number, user
        )
        sums = liquidity(position, NOTHING, frame)
        assert sums is not None
        ours |= {"liquidity": max(-sums.shortfall, 0), "shortfall": max(sums.shortfall, 0)}
        run.compare(self._seed, head.number, user, ours, theirs)
        if position.loans and position.tokens:
            await self._liquidation(run, own, position, head)

    async def _liquidation(
        self, run: ProtocolRun, own: VenusMarket, position: Position, head: BlockRef
    ) -> None:
        """What the Liquidator would do some blocks from now: amounts, or why not."""
        ahead = self._random.choice((1, 1, 7, 100))
        then = head.timestamp + ahead * BLOCK_SECONDS
        frame = own.frame(then, number=head.number + ahead)
        debt, collateral = (
            self._random.choice(sorted(position.loans)),
            self._random.choice(sorted(position.tokens)),
        )
        pair = examine(position, debt, collateral, frame, LIQUIDATOR)
        owed = position.balance(debt, frozenset({debt, collateral}), frame)
        most = owed * frame.close_factor // WAD
        repay = self._random.choice((most, most + 1, self._random.randint(1, owed + 1), 1))
        ours: Any
        if isinstance(pair, Refusal):
            ours = _reason(pair)
        elif (refusal := refused(pair, repay, LIQUIDATOR)) is not None:
            ours = _reason(refusal)
        else:
            taken = seized(pair, repay)
            assert isinstance(taken, Taken)
            ours = (repay, taken.tokens - taken.received, taken.received)
        known = vtokens(own.book)
        theirs = await self._tried(position.account, known[debt], repay, known[collateral], frame)
        run.liquidations[CARRIED_OUT if isinstance(theirs, tuple) else theirs] += 1
        subject = f"{position.account} liquidated by {repay} of {debt} for {collateral} {ahead} blocks later"
        run.compare(self._seed, head.number, subject, {"outcome": ours}, {"outcome": theirs})

    async def _tried(
        self, user: Address, debt: Address, repay: int, collateral: Address, frame: VenusFrame
    ) -> Any:
        core = self._core
        tx = core.liquidator_tx(LIQUIDATOR, "liquidateBorrow", debt, user, repay, collateral)
        block = {
            "blockOverrides": {"number": hex(frame.number), "time": hex(frame.timestamp)},
            "calls": [{"from": tx.sender, "to": tx.to, "data": "0x" + tx.data.hex(), "gas": hex(10**7)}],
        }
        simulated = await core.node.request("eth_simulateV1", {"blockStateCalls": [block]}, "latest")
        (result,) = simulated[-1]["calls"]
        if result["status"] != "0x1":
            reason = revert_reason(bytes.fromhex(result["returnData"][2:]), self._errors)
            return reason.partition("(")[0] if reason.startswith("VAIDebtTooHigh") else reason
        (event,) = core.contracts["Liquidator"].events("LiquidateBorrowedTokens", result)
        return (
            event["repayAmount"],
            event["seizeTokensForTreasury"],
            event["seizeTokensForLiquidator"],
        )

    async def _comptroller(self, name: str, block: int, *args: Any) -> Any:
        return await self._ask(self._core.comptroller, "Comptroller", name, block, *args)

    async def _ask(self, to: Address, kind: str, name: str, block: int, *args: Any) -> Any:
        contract = self._core.contracts[kind]
        return contract.decode(name, await self._core.node.call(to, contract.encode(name, *args), block))


def _reason(refusal: Refusal) -> str:
    """What the Liquidator reverts with: a soft failure of the market becomes an error of its own."""
    failure = soft_failure(refusal)
    return f"LiquidationFailed({failure.error})" if failure else refusal.code
