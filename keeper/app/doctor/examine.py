"""What `keeper doctor` looks at: every dependency on its own, so that one failure hides no other."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import NamedTuple

from keeper.app.connect import make_endpoints
from keeper.app.doctor.check import Check
from keeper.app.doctor.contracts import contract_checks
from keeper.app.doctor.hints import hint_checks
from keeper.app.doctor.nodes import best_head, endpoint_checks, websocket_check
from keeper.app.doctor.relays import relay_checks
from keeper.app.signing import load_signer, prove
from keeper.chain.rpc import Rpc
from keeper.clock import Clock
from keeper.config.model import Config
from keeper.errors import ConfigError, KeeperError
from keeper.execute.signer import HeldSigner, RemoteSigner, Signer
from keeper.ops.incidents import Incident, recent
from keeper.store import Database
from keeper.store.lease import LeaseState, lease_state
from keeper.types import WAD, Mode, checksum, counted

DAY = 24 * 3600


class Examination(NamedTuple):
    """All checks in order; `reachable` says whether any node answered."""

    checks: list[Check]
    reachable: bool


async def examine(config: Config, clock: Clock) -> Examination:
    """Look at everything `config` depends on. Sends no transaction; failures are checks, not errors."""
    deployments = counted(len(config.deployment), "deployment")
    found = [Check("config", ok=True, detail=f"mode {config.mode}, {deployments}")]
    chosen: Rpc | None = None
    reachable = False
    async with AsyncExitStack() as stack:
        rpcs = [await stack.enter_async_context(rpc) for rpc in make_endpoints(config)]
        best = await best_head(rpcs, config.chain.id)
        for rpc in rpcs:
            report = await endpoint_checks(
                rpc, config.chain.id, clock, best=best, lag=config.chain.lag_blocks
            )
            found += report.checks
            reachable = reachable or report.reachable
            chosen = chosen or (rpc if report.usable else None)
        for url in config.chain.ws:
            found.append(await websocket_check(url.reveal(), config.chain.id, config.chain.deadline_seconds))
        signer_check, signer = await _signer(config)
        if signer is not None:
            stack.push_async_callback(signer.close)
        if chosen is not None:
            found += [check async for check in contract_checks(config, chosen, signer)]
        found += [check async for check in relay_checks(config, chosen)]
        found += [check async for check in hint_checks(config)]
        found.append(signer_check)
        if chosen is not None and signer is not None:
            found.append(await _balance(config, chosen, signer))
    found += await _store(config, clock, signer)
    return Examination(found, reachable)


async def _signer(config: Config) -> tuple[Check, HeldSigner | None]:
    try:
        signer = load_signer(config.signer)
    except ConfigError as error:
        return Check("signer", ok=False, detail=str(error)), None
    if signer is None:
        needed = config.mode is Mode.LIVE
        return Check(
            "signer",
            ok=not needed,
            detail=f"no key; mode {config.mode} {'needs one' if needed else 'needs none'}",
        ), None
    detail = checksum(signer.address)
    if isinstance(signer, RemoteSigner):
        detail = f"{detail} at {signer.host}"
    try:
        await prove(signer, config.chain.id)
    except KeeperError as error:
        return Check("signer", ok=False, detail=str(error)), signer
    return Check("signer", ok=True, detail=detail), signer


async def _balance(config: Config, rpc: Rpc, signer: HeldSigner) -> Check:
    try:
        balance = await rpc.balance(signer.address)
    except KeeperError as error:
        return Check("balance", ok=False, detail=str(error))
    enough = balance > 0 or config.mode is not Mode.LIVE
    shown = f"{balance // WAD}.{balance % WAD // 10**12:06} for gas"
    return Check("balance", ok=enough, detail=shown if enough else f"{shown}; send some to the signer")


async def _store(config: Config, clock: Clock, signer: Signer | None) -> list[Check]:
    """The store, who may sign, and what the daemon wrote into it of the last day's incidents."""
    state = None
    try:
        async with await Database.open(config.store.url.reveal()) as database:
            lately = await recent(database, int(clock.now()) - DAY)
            if signer is not None:
                state = await lease_state(database, config.chain.id, signer.address)
    except KeeperError as error:
        return [Check("store", ok=False, detail=str(error))]
    leases = [] if state is None else [_lease(state)]
    return [Check("store", ok=True, detail=config.store.url.public), *leases, *map(_incident, lately)]


def _lease(state: LeaseState) -> Check:
    holds = f"{state.holder} signs" if state.left > 0 else f"nobody signs, {state.holder} was the last"
    return Check("lease", ok=True, detail=f"{holds}; term {state.token}, renewed {state.age:.1f} s ago")


def _incident(found: Incident) -> Check:
    last = datetime.fromtimestamp(found.last, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    what = f": {found.detail}" if found.detail else ""
    return Check(
        f"{found.kind} {found.subject}", ok=True, detail=f"{counted(found.times, 'time')}, last {last}{what}"
    )
