"""What remains of an account when liquidators take all they may."""

from functools import partial

from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v2.liquidation import liquidate
from keeper.protocols.aave_v2.pair import examine
from keeper.protocols.aave_v2.ranges import accepted
from keeper.protocols.aave_v3.exhaust import Pool, exhausted
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.base import Exhaustion


def exhaust(position: Position, frame: AaveV2Frame) -> Exhaustion:
    """As v3's `exhausted`, by the rules of v2."""
    return exhausted(position, frame, Pool(partial(examine, frame=frame), liquidate, accepted))
