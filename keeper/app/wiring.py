"""The composition root: the only place that constructs the daemon's parts and connects them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import NamedTuple

from keeper.app.announce import Announcer
from keeper.app.backfill import Backfill
from keeper.app.backrunning import make_backrunner, watched_updates
from keeper.app.connect import connect
from keeper.app.daemon import Daemon, Limits
from keeper.app.decider import Decider
from keeper.app.doctor.contracts import contract_checks, operator_of
from keeper.app.duty import Alone, Duty, make_duty
from keeper.app.events import Sink
from keeper.app.followers import make_followers
from keeper.app.foresight import Foresight
from keeper.app.governor import Governor
from keeper.app.hinting import make_hint_runner, watched_hints
from keeper.app.lane import Lane
from keeper.app.misses import Misses
from keeper.app.native import wrapped_native
from keeper.app.outbox import Outbox
from keeper.app.planning import make_desk, plans_in
from keeper.app.records import Records
from keeper.app.reload import Reloader
from keeper.app.route import make_route
from keeper.app.signing import load_signer
from keeper.app.switch import Switch
from keeper.artifacts import load_artifact
from keeper.clock import SystemClock
from keeper.config.model import Config
from keeper.errors import ConfigError
from keeper.execute.bundle import BundleRoute
from keeper.execute.dispatch import Dispatcher
from keeper.execute.executor import Executor
from keeper.execute.fees import Raise
from keeper.execute.latency import Stopwatch
from keeper.execute.rules import Rules
from keeper.execute.send import Sender
from keeper.execute.signer import GuardedSigner, HeldSigner, Policy, Signer
from keeper.execute.simulate import Believer, Simulator
from keeper.execute.store import TransactionStore
from keeper.execute.txm import TransactionManager
from keeper.execute.verdict import Judge
from keeper.index.audit import Auditor
from keeper.ledger.latency import Latencies
from keeper.ledger.missed import MissLedger
from keeper.ledger.store import Ledger
from keeper.ops.health import Heartbeat
from keeper.ops.http import OpsServer
from keeper.ops.incidents import Incidents
from keeper.ops.metrics import Metrics
from keeper.ops.watch import Watch
from keeper.ports import Chain, QuorumChain
from keeper.protocols.base import Market
from keeper.store import Database
from keeper.store.lease import Fence, unfenced
from keeper.types import WAD, ZERO_ADDRESS, Mode, checksum

LIQUIDATION_GAS = 1_500_000
"""Gas units that a signer must be able to pay before it may start: one dear liquidation."""

TURN_LIMIT = 60.0
"""Seconds without a turn (or backfill progress) after which /livez says dead: five Ethereum slots."""


class Running(NamedTuple):
    """A daemon ready to be given heads, the chain it works on, who counts, and the operator's hand."""

    daemon: Daemon
    chain: Chain
    watch: Watch
    governor: Governor


@asynccontextmanager
async def assemble(
    config: Config, mode: Mode, sink: Sink, reread: Callable[[], Config]
) -> AsyncIterator[Running]:
    """Build the daemon of `config` in `mode`; everything is closed when the block ends.

    `reread` reads the settings again, when the operator wants them reloaded.

    Raises:
        ConfigError: something configured is missing or wrong; nothing has been started then.
        Transient: the chain cannot be reached.
    """
    clock = SystemClock()
    metrics = Metrics(mode, version("keeper"))
    heartbeat = Heartbeat(clock, TURN_LIMIT)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(await Database.open(config.store.url.reveal()))
        incidents = Incidents(database, clock.now)
        answers = Heartbeat(clock, TURN_LIMIT)
        watch = Watch(metrics, incidents, answers)
        chain = await stack.enter_async_context(connect(config, watch))
        followers = make_followers(config, chain, database, Backfill(clock, sink, heartbeat).tell)
        desk = make_desk(config, chain) if plans_in(mode) else None
        lanes = [Lane(follower, desk, _auditor(config, chain)) for follower in followers]
        signer = _signer(config) if mode is Mode.LIVE else None
        duty: Duty = Alone()
        fence = unfenced
        if signer is not None:
            stack.push_async_callback(signer.close)
            lease, duty = make_duty(
                config.standby, database, config.chain.id, signer.address, clock=clock, answers=answers
            )
            await stack.enter_async_context(duty.kept())
            fence = lease.fence
        ledger = Ledger(database, fence)
        reloader = Reloader(config, chain, reread, plans=plans_in(mode))
        governor = Governor(Switch(config.guards.kill_file), reloader, ledger, clock)
        stopwatch = Stopwatch(clock.monotonic)
        dispatcher = await _dispatcher(
            config,
            mode,
            chain,
            database,
            lambda: [lane.market for lane in lanes],
            observer=watch,
            signer=signer,
            fence=fence,
            stopwatch=stopwatch,
            stack=stack,
        )
        announcer = Announcer(sink, metrics, incidents)
        shared = (config, mode, chain, lanes, dispatcher, announcer, metrics)
        backrunner = await make_backrunner(*shared)
        hint_runner = await make_hint_runner(
            *shared, objection=governor.objection, observer=watch, stack=stack
        )
        records = Records(
            ledger, MissLedger(database), metrics, stopwatch, Latencies(database), database=database
        )
        outbox = Outbox(dispatcher, records, governor, announcer)
        daemon = Daemon(
            chain,
            lanes,
            dispatcher,
            records,
            decider=Decider(
                chain,
                config.chain.id,
                await wrapped_native(config, chain),
                dispatcher=dispatcher,
                outbox=outbox,
                announcer=announcer,
            ),
            outbox=outbox,
            duty=duty,
            misses=Misses(config.executor.address),
            governor=governor,
            metrics=metrics,
            incidents=incidents,
            heartbeat=heartbeat,
            clock=clock,
            stopwatch=stopwatch,
            announcer=announcer,
            limits=Limits(),
            foresight=Foresight.of(backrunner, hint_runner),
        )
        if config.ops.port:
            server = OpsServer(
                config.ops.host,
                config.ops.port,
                heartbeat=heartbeat,
                readiness=daemon.readiness,
                metrics=metrics,
                switch=governor.switch,
            )
            await stack.enter_async_context(server)
        if backrunner is not None:
            await stack.enter_async_context(watched_updates(config, daemon, backrunner, watch))
        if hint_runner is not None:
            await stack.enter_async_context(watched_hints(config, daemon, hint_runner, watch))
        yield Running(daemon, chain, watch, governor)


async def _dispatcher(
    config: Config,
    mode: Mode,
    chain: QuorumChain,
    database: Database,
    markets: Callable[[], list[Market]],
    *,
    observer: Watch,
    signer: HeldSigner | None,
    fence: Fence,
    stopwatch: Stopwatch,
    stack: AsyncExitStack,
) -> Dispatcher:
    address = config.executor.address
    executor = Executor(address or ZERO_ADDRESS, load_artifact("executor").abi)
    judge = Judge(executor, markets)
    base = config.transactions.last_look.value
    if signer is None:
        await _require_sound(config, chain, None)
        if address is None:
            return Dispatcher(mode, Believer(executor), judge)
        return Dispatcher(mode, Simulator(chain, executor, await operator_of(chain, address), base), judge)
    if address is None:
        raise ConfigError("executor.address: not set; mode live needs it; run `keeper executor deploy`")
    await _require_sound(config, chain, signer)
    await _require_gas_money(chain, signer)
    rules = transaction_rules(config)
    policy = Policy(
        config.chain.id, {address: frozenset({executor.selector})}, rules.max_gas_price, rules.cancel_ceiling
    )
    route = make_route(config.relay, observer)
    if route is not None:
        await stack.enter_async_context(route)
    bundles = BundleRoute(route) if route is not None or config.hints else None
    manager = TransactionManager(
        chain,
        chain,
        GuardedSigner(signer, policy),
        TransactionStore(database, config.chain.id, signer.address, fence),
        rules,
        private=bundles,
        observer=observer,
        stopwatch=stopwatch,
    )
    simulator = Simulator(chain, executor, signer.address, base)
    window = None if route is None else config.relay.target_blocks
    sender = Sender(executor, chain, manager, window=window, bundles=bundles)
    return Dispatcher(mode, simulator, judge, sender)


def transaction_rules(config: Config) -> Rules:
    """The configured rules of the transaction manager."""
    chosen = config.transactions
    return Rules(
        max_gas_price=config.strategy.max_gas_price,
        cancel_price=chosen.cancel_gas_price,
        confirmations=chosen.confirmations,
        bump_blocks=chosen.bump_blocks,
        bump=Raise(chosen.bump_percent, chosen.quote_multiple, chosen.quote_multiple_above),
        max_in_flight=chosen.max_in_flight,
        optimistic=chosen.optimistic,
        queue_blocks=chosen.queue_blocks,
        stuck_blocks=chosen.stuck_blocks,
        blind_failures=chosen.blind_failures,
        mempool=chosen.mempool,
        fall_back=config.relay.fall_back,
        forgets=config.relay.method.forgets,
    )


async def _require_sound(config: Config, chain: Chain, signer: Signer | None) -> None:
    """Refuse to start on contracts that `keeper doctor` would complain of."""
    failed = [check async for check in contract_checks(config, chain, signer) if not check.ok]
    if failed:
        raise ConfigError("\n".join(f"{check.name}: {check.detail}" for check in failed))


async def _require_gas_money(chain: Chain, signer: Signer) -> None:
    head = await chain.block("latest")
    needed = LIQUIDATION_GAS * (2 * head.base_fee + await chain.priority_fee())
    balance = await chain.balance(signer.address)
    if balance < needed:
        raise ConfigError(
            f"signer {checksum(signer.address)} has {balance / WAD:.6f} for gas, one liquidation may need "
            f"{needed / WAD:.6f}; send some to it"
        )


def _auditor(config: Config, chain: Chain) -> Auditor | None:
    """The continuous audit of one deployment, None when it is off."""
    per_block = config.audit.accounts_per_block
    return Auditor(chain, per_block) if per_block else None


def _signer(config: Config) -> HeldSigner:
    signer = load_signer(config.signer)
    if signer is None:
        raise ConfigError(
            "signer: no key; mode live needs one: put KEEPER_PRIVATE_KEY in .env or set signer.keystore"
        )
    return signer
