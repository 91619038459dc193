"""From a liquidatable account to what a liquidator can take: absorb, then buy from the storefront.

Absorbing pays nothing. What pays is to buy the absorbed collateral at a discount, in the same transaction
since anybody may buy. An account's opportunities are bounded by its own collateral; what was in reserves
before is sold under the comet's own name, so that one block can hold all of them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from eth_abi.abi import encode

from keeper.protocols.base import Dialect, Exhaustion, Instruction, LiquidationEvent, Refusal, Settlement
from keeper.protocols.comet.absorb import Absorbed, absorb
from keeper.protocols.comet.events import ABSORB_DEBT, BUY_COLLATERAL
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.storefront import Span, buy, closed, goods, span
from keeper.protocols.decode import topic, topic_address, word
from keeper.types import Address, Log


class Sale(NamedTuple):
    """A collateral for sale, and the base amounts that buy some of it."""

    number: int
    ranges: tuple[Span, ...]


def sales(position: Position, frame: CometFrame) -> list[Sale]:
    """What can be bought once the account is absorbed, at most its own collateral."""
    opened = _opened(position, frame)
    if isinstance(opened, Refusal) or closed(opened[0]):
        return []
    after, amounts = opened
    found = [Sale(asset.number, span(asset, amounts.get(asset.number, 0), after)) for asset in after.assets]
    return [sale for sale in found if sale.ranges]


def settle(
    position: Position, number: int, base: int, frame: CometFrame, base_token: Address
) -> Settlement | Refusal:
    """absorb(position), then buyCollateral with `base`; without absorb on the comet's own account."""
    opened = _absorbed(position, frame)
    if isinstance(opened, Refusal):
        return opened
    after = opened.after if opened else frame
    asset = after.asset(number)
    if asset is None:
        return Refusal("BadAsset", "the comet does not list this collateral")
    bought = buy(asset, base, after)
    if isinstance(bought, Refusal):
        return bought
    shortfall = opened.shortfall if opened else 0
    return Settlement(base, bought, 0, {base_token: shortfall} if shortfall else {})


def exhaust(position: Position, frame: CometFrame, base_token: Address) -> Exhaustion:
    """Absorb the account and sell all of its collateral, as far as the storefront does."""
    opened = _opened(position, frame)
    if isinstance(opened, Refusal):
        return Exhaustion(0, {}, {}, {})
    after, amounts = opened
    absorbed = _absorbed(position, frame)
    repaid, seized = 0, {}
    for sale in [] if closed(after) else [asset for asset in after.assets if amounts.get(asset.number)]:
        for _, most in span(sale, amounts[sale.number], after):
            bought = buy(sale, most, after)
            if isinstance(bought, int):
                repaid += most
                seized[sale.address] = bought
    shortfall = absorbed.shortfall if isinstance(absorbed, Absorbed) else 0
    return Exhaustion(
        steps=1,
        repaid={base_token: repaid} if repaid else {},
        seized=seized,
        bad_debt={base_token: shortfall} if shortfall else {},
    )


def _absorbed(position: Position, frame: CometFrame) -> Absorbed | Refusal | None:
    """None where there is nothing to absorb: on the comet's own account."""
    return None if position.account == frame.comet else absorb(position, frame)


def _opened(position: Position, frame: CometFrame) -> tuple[CometFrame, dict[int, int]] | Refusal:
    """The frame to buy in, and the amounts by asset number that belong to this account."""
    absorbed = _absorbed(position, frame)
    if absorbed is None:
        return frame, {asset.number: asset.stock for asset in goods(frame)}
    if isinstance(absorbed, Refusal):
        return absorbed
    return absorbed.after, {number: amount for number, (amount, _) in absorbed.seized.items()}


def instruction(comet: Address, account: Address, request: int, settlement: Settlement) -> Instruction:
    """Dialect COMET: whom to absorb (nobody for the comet's own account), what to spend, what to get."""
    borrowers = [] if account == comet else [account]
    data = encode(["address[]", "uint256", "uint256"], [borrowers, request, settlement.seize])
    return Instruction(Dialect.COMET, comet, data)


_ABSORB_DEBT, _BUY_COLLATERAL = topic(ABSORB_DEBT), topic(BUY_COLLATERAL)


def liquidation_events(comet: Address, base_token: Address, logs: Iterable[Log]) -> list[LiquidationEvent]:
    """Every purchase, under the account that its buyer absorbed last in the same transaction.

    One without an absorb before it was served from the reserves: that is the comet's own account.
    """
    return list(_events(comet, base_token, logs))


def _events(comet: Address, base_token: Address, logs: Iterable[Log]) -> Iterator[LiquidationEvent]:
    account, within = comet, ""
    for log in logs:
        if log.address != comet or not log.topics:
            continue
        if log.tx_hash != within:
            account, within = comet, log.tx_hash
        if log.topics[0] == _ABSORB_DEBT:
            account = topic_address(log, 2)
        elif log.topics[0] == _BUY_COLLATERAL:
            yield LiquidationEvent(
                account=account,
                debt=base_token,
                collateral=topic_address(log, 2),
                repaid=word(log, 0),
                seized=word(log, 1),
                liquidator=topic_address(log, 1),
            )
            account = comet


def deficit(frame: CometFrame) -> int:
    """Base tokens the comet owes beyond what it has and what its collateral in reserves is worth."""
    if frame.reserves >= 0 or not frame.price:
        return 0
    worth = sum(asset.value(asset.stock) for asset in frame.assets if asset.price)
    return max(-frame.reserves - worth * frame.terms.scale // frame.price, 0)
