"""Checks of the hints: every stream can be listened to, and its relay answers. Sends no transaction."""

from collections.abc import AsyncIterator

import aiohttp

from keeper.app.doctor.check import Check
from keeper.app.doctor.relays import builder_check
from keeper.app.route import reputation
from keeper.chain.builder import Builder
from keeper.chain.hints import opened
from keeper.chain.url import EndpointUrl
from keeper.config.hints import Hints
from keeper.config.model import Config
from keeper.errors import ConfigError, Transient
from keeper.types import checksum


async def hint_checks(config: Config) -> AsyncIterator[Check]:
    """Two checks for each of [[hints]]: the stream and the relay."""
    if not config.hints:
        return
    try:
        key = reputation(config.relay)
    except ConfigError as error:
        yield Check("hints", ok=False, detail=str(error))
        return
    signed = (
        f"bundles signed by {checksum(key.address)}" if key else "bundles not signed, no KEEPER_RELAY_KEY"
    )
    for settings in config.hints:
        yield await _stream(settings, config.relay.deadline_seconds)
        builder = Builder(settings.relay.reveal(), key, deadline=config.relay.deadline_seconds)
        try:
            yield await builder_check(builder, f"hints relay {builder.host}", config.chain.id, signed)
        finally:
            await builder.close()


async def _stream(settings: Hints, deadline: float) -> Check:
    url = EndpointUrl(settings.stream.reveal())
    name = f"hints {url.host}"
    try:
        async with aiohttp.ClientSession() as session, opened(session, url, deadline):
            return Check(name, ok=True, detail="sends events")
    except Transient as error:
        return Check(name, ok=False, detail=str(error).removeprefix(f"{url.host}: "))
