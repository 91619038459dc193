"""Checks of the nodes: reachable, the right chain, logs, clock."""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from typing import NamedTuple

import aiohttp

from keeper.app.doctor.check import Check
from keeper.chain.faults import MethodMissing
from keeper.chain.node_state import NodeState
from keeper.chain.probe import Facts, probe
from keeper.chain.rpc import Rpc
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock
from keeper.errors import KeeperError

LOCAL_CHAINS = {1337, 31337}
"""Development chains: they mine when asked to and set their clock as they like."""

STALE_SECONDS = 300
AHEAD_SECONDS = 30
FEWEST_LOG_BLOCKS = 100
"""With a smaller range of eth_getLogs the first index of a market takes days."""


class EndpointReport(NamedTuple):
    """The checks of one endpoint; `usable` when further checks may rely on it."""

    checks: list[Check]
    reachable: bool
    usable: bool


async def best_head(rpcs: Sequence[Rpc], chain_id: int) -> int:
    """The highest block that any endpoint of the right chain has, 0 when none answers."""
    heads = [0]
    for rpc in rpcs if len(rpcs) > 1 else ():
        with contextlib.suppress(KeeperError):  # its own check tells why
            if await rpc.chain_id() == chain_id:
                heads.append(await rpc.height())
    return max(heads)


async def endpoint_checks(rpc: Rpc, chain_id: int, clock: Clock, *, best: int, lag: int) -> EndpointReport:
    """Ask one endpoint what it is and compare, also with the `best` head: `lag` blocks less are too few."""
    name = f"rpc {rpc.host}"
    try:
        facts = await probe(rpc, clock)
    except KeeperError as error:
        answered = isinstance(error, MethodMissing)
        return EndpointReport([Check(name, ok=False, detail=str(error))], reachable=answered, usable=False)
    same = facts.chain_id == chain_id
    identity = f"{facts.chain_id}" if same else f"the node serves {facts.chain_id}, chain.id is {chain_id}"
    checks = [
        _state(name, facts, best if same else 0, lag),
        Check(f"chain id {rpc.host}", ok=same, detail=identity),
        _logs(rpc.host, facts),
        _clock(rpc.host, facts),
    ]
    return EndpointReport(checks, reachable=True, usable=same)


def _state(name: str, facts: Facts, best: int, lag: int) -> Check:
    behind = max(0, best - facts.head.number)
    lagging = behind >= lag
    state = NodeState.SYNCING if facts.syncing else NodeState.LAGGING if lagging else NodeState.ALIVE
    pins = "reads pinned by block hash" if facts.pins_by_hash else "reads pinned by number, hash compared"
    detail = f"{facts.client}, block {facts.head.number}, {state}, {behind} behind, {pins}"
    return Check(name, ok=state is NodeState.ALIVE, detail=detail)


def _logs(host: str, facts: Facts) -> Check:
    complete = {True: "complete", False: "INCOMPLETE: a block has more than it gives", None: "not comparable"}
    return Check(
        f"logs {host}",
        ok=facts.log_range >= min(FEWEST_LOG_BLOCKS, facts.head.number) and facts.full_logs is not False,
        detail=f"eth_getLogs takes {facts.log_range:,} blocks; {complete[facts.full_logs]}",
    )


def _clock(host: str, facts: Facts) -> Check:
    name, age = f"clock {host}", facts.head_age
    if facts.chain_id in LOCAL_CHAINS:
        return Check(
            name, ok=True, detail=f"head {max(age, 0):.0f} s old; a development chain keeps its own time"
        )
    if age < -AHEAD_SECONDS:
        return Check(name, ok=False, detail=f"head {-age:.0f} s in the future; set this machine's clock")
    if age > STALE_SECONDS:
        return Check(name, ok=False, detail=f"head {age:.0f} s old; the node lags, or this clock is fast")
    return Check(name, ok=True, detail=f"head {max(age, 0):.0f} s old")


async def websocket_check(url: str, chain_id: int, deadline: float) -> Check:
    """Whether a WebSocket endpoint answers, for the right chain."""
    endpoint = EndpointUrl(url, ("ws", "wss"))
    name = f"ws {endpoint.host}"
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    try:
        async with (
            asyncio.timeout(deadline),
            aiohttp.ClientSession() as session,
            session.ws_connect(endpoint.reveal()) as socket,
        ):
            await socket.send_json(request)
            found = int(json.loads(await socket.receive_str())["result"], 16)
    except TimeoutError:
        return Check(name, ok=False, detail=f"no answer within {deadline:g} s")
    except (aiohttp.ClientError, OSError) as error:
        return Check(name, ok=False, detail=endpoint.scrub(str(error)) or type(error).__name__)
    except (ValueError, KeyError, TypeError):
        return Check(name, ok=False, detail="what answers is not JSON-RPC")
    detail = f"chain {found}" if found == chain_id else f"serves chain {found}, chain.id is {chain_id}"
    return Check(name, ok=found == chain_id, detail=detail)
