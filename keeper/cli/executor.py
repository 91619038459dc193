"""`keeper executor deploy | show | withdraw`: the owner's verbs."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import tomlkit
import typer

from keeper.app.administer import Administrator, ExecutorState, balances, executor_state, trusted_by
from keeper.app.doctor.contracts import closed_to
from keeper.app.native import wrapped_native
from keeper.app.signing import load_signer
from keeper.app.view import View
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table, token
from keeper.cli.reading import read
from keeper.cli.setup import read_config
from keeper.clock import SystemClock
from keeper.config.load import FILE
from keeper.config.model import Config
from keeper.errors import ConfigError, Degraded
from keeper.execute.signer import HeldSigner
from keeper.protocols.base import AssetInfo
from keeper.types import ZERO_ADDRESS, Address, Mode, checksum, parse_address

NOTHING_DONE = 1

NOT_LIVE_YET = {"mode": Mode.PAPER}
"""What is deployed here is what a configuration in mode live still lacks."""

Act = Callable[[View], Awaitable[None]]

app = typer.Typer(
    help="Deploy, look at and empty the executor contract.", no_args_is_help=True, add_completion=False
)


@app.command()
def deploy(
    config: ConfigOption = None,
    json: JsonOption = False,
    operator: Annotated[str | None, typer.Option(help="Who may run it; the signer unless given.")] = None,
    owner: Annotated[
        str | None, typer.Option(help="Offer ownership to this address; it must accept.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the configured executor.")] = False,
) -> None:
    """Deploy the executor, open it to the configured markets, and write its address to the configuration."""
    settings = read_config(config, NOT_LIVE_YET)
    if settings.executor.address is not None and not force:
        raise ConfigError(
            f"executor.address: {checksum(settings.executor.address)}: there is one already; "
            "look at it with `keeper executor show` or replace it with --force"
        )
    signer = _signer(settings)
    wanted_operator, wanted_owner = _address("--operator", operator), _address("--owner", owner)

    async def act(view: View) -> None:
        factories = [swap.factory for swap in settings.exchanges]
        routers = [swap.router for swap in settings.aggregators]
        administrator = Administrator(view.chain, settings.chain.id, signer, SystemClock())
        wrapped = await wrapped_native(settings, view.chain)
        venues = trusted_by(view.markets, [lender.address for lender in settings.lender])
        address = await administrator.deploy(wanted_operator, venues, factories, wrapped)
        await administrator.open(address, [], [], routers)
        if wanted_owner is not None:
            await administrator.offer_ownership(address, wanted_owner)
        _remember(config or FILE, address)
        if json:
            print_json({"executor": checksum(address), "owner": checksum(signer.address)})
            return
        print_table(f"Executor {checksum(address)} deployed and written to {config or FILE}.")
        print_table(f"Owner {checksum(signer.address)}; profit goes to the owner.")
        if wanted_owner is not None:
            print_table(
                f"Ownership is offered to {checksum(wanted_owner)}, who must call accept_ownership()."
            )

    read(config, None, _holding(signer, act), NOT_LIVE_YET)


@app.command()
def allow(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Open the executor to configured markets, lenders and exchanges that it is closed to."""
    settings = read_config(config)
    signer = _signer(settings)

    async def act(view: View) -> None:
        address = _configured(settings)
        await _require_owner(view, address, signer)
        trusted = trusted_by(view.markets, [lender.address for lender in settings.lender])
        closed = await closed_to(address, trusted, settings, view.chain)
        administrator = Administrator(view.chain, settings.chain.id, signer, SystemClock())
        await administrator.open(address, *closed)
        if json:
            fields = closed._asdict().items()
            print_json({"allowed": {kind: [checksum(to) for to in which] for kind, which in fields}})
            return
        for to in (to for kind in closed for to in kind):
            print_table(f"opened to {checksum(to)}")
        if not any(closed):
            print_table("It was open to everything configured.")

    read(config, None, _holding(signer, act))


@app.command()
def show(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Roles of the executor and what rests in it."""

    async def tell(view: View) -> None:
        state = await executor_state(view.chain, _configured(view.config))
        held = await balances(view.chain, state.address, list(_tokens(view)))
        fields: dict[str, Any] = {
            "executor": checksum(state.address),
            "owner": checksum(state.owner),
            "pending_owner": None if state.pending_owner == ZERO_ADDRESS else checksum(state.pending_owner),
            "operator": checksum(state.operator),
            "balances": {checksum(address): str(amount) for address, amount in held.items()},
        }
        if json:
            print_json(fields)
            return
        fields["balances"] = _sums(view, held)
        for name, value in fields.items():
            print_table(f"{name.replace('_', ' '):<14}{value or 'none'}")

    read(config, None, tell)


@app.command()
def withdraw(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Send every market token that rests in the executor to its owner; normally there is none."""
    settings = read_config(config)
    signer = _signer(settings)

    async def act(view: View) -> None:
        address = _configured(view.config)
        state = await _require_owner(view, address, signer)
        held = await balances(view.chain, address, list(_tokens(view)))
        administrator = Administrator(view.chain, settings.chain.id, signer, SystemClock())
        for resting in held:
            await administrator.sweep(address, resting)
        if json:
            print_json({"withdrawn": {checksum(resting): str(amount) for resting, amount in held.items()}})
        else:
            sent = f"{_sums(view, held)} sent to {checksum(state.owner)}."
            print_table(sent if held else "Nothing rests in it.")
        if not held:
            raise typer.Exit(NOTHING_DONE)

    read(config, None, _holding(signer, act))


async def _require_owner(view: View, executor: Address, signer: HeldSigner) -> ExecutorState:
    """The executor's state, where the signer owns it.

    Raises:
        Degraded: somebody else does.
    """
    state = await executor_state(view.chain, executor)
    if state.owner != signer.address:
        raise Degraded(f"the executor belongs to {checksum(state.owner)}; only its owner can do that")
    return state


def _tokens(view: View) -> dict[Address, AssetInfo]:
    return {asset.address: asset for market in view.markets for asset in market.assets()}


def _sums(view: View, held: Mapping[Address, int]) -> str:
    """Balances for people: "5 USDC, 0.1 WETH"."""
    tokens = _tokens(view)
    return ", ".join(
        f"{token(amount, tokens[address].decimals)} {tokens[address].symbol}"
        for address, amount in held.items()
    )


def _configured(config: Config) -> Address:
    if config.executor.address is None:
        raise ConfigError("executor.address: not set; run `keeper executor deploy`")
    return config.executor.address


def _holding(signer: HeldSigner, act: Act) -> Act:
    """`act`, after which the signer is closed."""

    async def whole(view: View) -> None:
        try:
            await act(view)
        finally:
            await signer.close()

    return whole


def _signer(config: Config) -> HeldSigner:
    signer = load_signer(config.signer)
    if signer is None:
        raise ConfigError("signer: no key; put KEEPER_PRIVATE_KEY in .env or set signer.keystore")
    return signer


def _address(flag: str, text: str | None) -> Address | None:
    try:
        return None if text is None else parse_address(text)
    except ValueError as error:
        raise ConfigError(f"{flag}: {error}") from None


def _remember(file: Path, executor: Address) -> None:
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    section = document.setdefault("executor", tomlkit.table())
    section["address"] = checksum(executor)
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
