"""Checks of the private route: every builder answers, for the right chain, and takes our signature."""

import re
from collections.abc import AsyncIterator

from keeper.app.bids import bid_token
from keeper.app.doctor.check import Check
from keeper.app.route import make_builders, reputation
from keeper.chain.builder import Builder
from keeper.chain.relay_json import Request
from keeper.config.model import Config
from keeper.errors import ConfigError, KeeperError, Transient
from keeper.ports import ChainReader, SendError
from keeper.types import ZERO_ADDRESS, checksum

_SIGNATURE = re.compile(r"signature|signed|auth|HTTP 40[13]|forbidden", re.IGNORECASE)


async def relay_checks(config: Config, chain: ChainReader | None) -> AsyncIterator[Check]:
    """One check a builder, and whether the executor can pay the configured bid. Sends no transaction."""
    async for check in _builder_checks(config):
        yield check
    if (config.relay.urls or config.hints) and config.relay.bid_bps and chain is not None:
        async for check in _bid_checks(config, chain):
            yield check


async def _builder_checks(config: Config) -> AsyncIterator[Check]:
    if not config.relay.urls:
        return
    try:
        key = reputation(config.relay)
    except ConfigError as error:
        yield Check("relay", ok=False, detail=str(error))
        return
    signed = (
        f"requests signed by {checksum(key.address)}" if key else "requests not signed, no KEEPER_RELAY_KEY"
    )
    for builder in make_builders(config.relay, key):
        try:
            yield await builder_check(builder, f"relay {builder.host}", config.chain.id, signed)
        finally:
            await builder.close()


async def _bid_checks(config: Config, chain: ChainReader) -> AsyncIterator[Check]:
    if config.executor.address is None:
        return
    try:
        token = await bid_token(chain, config.executor.address)
    except KeeperError as error:
        yield Check("bid", ok=False, detail=str(error))
        return
    able = token != ZERO_ADDRESS
    can = (
        f"paid in {checksum(token)}" if able else "the executor knows no wrapped native token; deploy it anew"
    )
    yield Check("bid", ok=able, detail=f"{config.relay.bid_bps / 100:g} %, {can}")


async def builder_check(builder: Builder, name: str, chain_id: int, signed: str) -> Check:
    """Whether a builder answers; need not serve eth_chainId: a refusal of it, too, shows that it is there."""
    try:
        found = int(await builder.ask(Request("eth_chainId", [])), 16)
    except SendError as error:
        said = str(error).partition(": ")[2]
        if _SIGNATURE.search(said):
            return Check(name, ok=False, detail=f"{said}; check KEEPER_RELAY_KEY")
        return Check(name, ok=True, detail=f"answers, {signed}")
    except Transient as error:
        return Check(name, ok=False, detail=str(error))
    except (TypeError, ValueError):
        return Check(name, ok=False, detail="what answers is no relay")
    if found != chain_id:
        return Check(name, ok=False, detail=f"serves chain {found}, chain.id is {chain_id}")
    return Check(name, ok=True, detail=f"chain {found}, {signed}")
