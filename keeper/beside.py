"""Work that goes on beside a block of code, and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `works` while the block runs. One that fails ends the block, as in any TaskGroup.

    What the block itself raises comes out as it is, see `open_group`.
    """
    async with open_group() as group:
        tasks = [group.create_task(work) for work in works]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


@asynccontextmanager
async def open_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A TaskGroup that lets out what the block itself raises as it is, instead of in an ExceptionGroup.

    It waits for its tasks even then: the block has to cancel those that would not end.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        try:
            yield group
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = error
    if failure is not None:
        raise failure
