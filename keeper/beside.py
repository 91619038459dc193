"""Work that goes on beside a block of code, and ends with it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `works` while the block runs. One that fails ends the block, as in any TaskGroup.

    What the block itself raises comes out as it is: inside the group it would be wrapped in an
    ExceptionGroup.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        try:
            yield
        except Exception as error:  # noqa: BLE001 - raised again below
            failure = error
        finally:
            for task in tasks:
                task.cancel()
    if failure is not None:
        raise failure
