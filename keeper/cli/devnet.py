"""`keeper devnet up`: a local chain with real contracts and borrowers, until stopped."""

import asyncio
import os
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from keeper.app.signals import stop_on_signals
from keeper.cli.chosen import ProtocolsOption, chosen_protocols
from keeper.cli.faults import faults
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import print_json, print_table
from keeper.cli.stages import Stages
from keeper.config.load import FILE
from keeper.demo.configure import Site, configure, named, refuse_foreign
from keeper.devnet.network import Network
from keeper.errors import Fatal
from keeper.types import checksum, counted

app = typer.Typer(
    help="A local chain with real contracts and borrowers.", no_args_is_help=True, add_completion=False
)
app.command()(faults)


@app.callback()
def _devnet() -> None:
    """A local chain with real contracts and borrowers."""


@app.command()
def up(
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
    borrowers: Annotated[int, typer.Option(help="Accounts with debt, in each protocol.", min=0)] = 50,
    seed: Annotated[int, typer.Option(help="Another seed, other borrowers.")] = 1,
    protocol: ProtocolsOption = None,
    port: Annotated[int, typer.Option(help="Port of the node; 0 picks a free one.", min=0, max=65535)] = 0,
    block_time: Annotated[
        int | None, typer.Option(help="Seconds; without it a block a transaction.", min=1)
    ] = None,
    lag: Annotated[int, typer.Option(help="Blocks that the exchange lags behind the feeds.", min=0)] = 0,
    fork_url: Annotated[
        str | None, typer.Option(help="Put it on a fork of this node's chain.", envvar="KEEPER_FORK_URL")
    ] = None,
) -> None:
    """Start a devnet, write a ready configuration, and run until stopped."""
    protocols = chosen_protocols(protocol)
    with Stages() as stages:
        network = Network.start(
            protocols=protocols,
            borrowers=borrowers,
            seed=seed,
            port=port,
            lag=lag,
            fork_url=fork_url,
            progress=stages.progress,
        )
        asyncio.run(_serve(network, stages, config or FILE, seed, block_time, json=json))


async def _serve(
    starting: AbstractAsyncContextManager[Network],
    stages: Stages,
    config: Path,
    seed: int,
    block_time: int | None,
    *,
    json: bool,
) -> None:
    refuse_foreign(config)  # now, not after the minute that a first start may take
    async with stop_on_signals() as stopping, starting as network:
        stages.progress("executor", 0, 1)
        site = await configure(network, config, seed=seed)
        stages.progress("executor", 1, 1)
        stages.stop()
        if block_time is not None:
            await network.node.request("evm_setIntervalMining", block_time)
        _announce(network, site, json)
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(network.arbitrageur.follow(), name="arbitrageur"),
                group.create_task(_watch(network), name="anvil"),
            ]
            await stopping.event.wait()
            for task in work:
                task.cancel()


async def _watch(network: Network) -> None:
    await network.anvil.process.wait()
    raise Fatal("Anvil ended on its own")


def _announce(network: Network, site: Site, json: bool) -> None:
    fields: dict[str, Any] = {
        "rpc_http": network.anvil.http,
        "rpc_ws": network.anvil.ws,
        "chain_id": network.anvil.chain_id,
        "config": str(site.config.resolve()),
        "deployments": [
            {
                "name": name,
                "protocol": deployment.protocol,
                **{key: checksum(address) for key, address in deployment.settings.items()},
                **deployment.described(),
            }
            for name, deployment in named(network).items()
        ],
        "feeds": {
            symbol: [checksum(each) for each in aggregators]
            for symbol, aggregators in network.prices.aggregators.items()
        },
        "factory": checksum(network.exchange.factory),
        "quoter": checksum(network.exchange.quoter),
        "executor": checksum(site.executor),
        "pid": os.getpid(),
    }
    if json:
        print_json(fields)
        return
    anvil = network.anvil
    count = sum(deployment.borrower_count for deployment in network.deployments)
    print_table(f"Devnet at {anvil.http} with {counted(count, 'borrower')}, chain {anvil.chain_id}.")
    print_table(f"Configuration in {site.config}; Ctrl-C stops it. In another terminal try:")
    for verb in ("positions", "risk --shock WETH=-20%", "plans", "run --mode paper"):
        print_table(f"  keeper {verb} --config {site.config}")
