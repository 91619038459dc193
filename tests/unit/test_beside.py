"""Work beside a block: it ends with the block, ends it, and hides nothing that the block raises."""

import asyncio

import pytest

from keeper.beside import beside, open_group


async def test_beside__block_ends__the_work_is_cancelled() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with beside(work()):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_beside__work_fails__the_block_ends() -> None:
    async def work() -> None:
        raise LookupError("work")

    with pytest.raises(ExceptionGroup) as raised:
        async with beside(work()):
            await asyncio.Event().wait()
    assert raised.group_contains(LookupError, match="work")


async def test_beside__block_raises__the_same_comes_out() -> None:
    with pytest.raises(LookupError, match="block"):
        async with beside(asyncio.sleep(3600)):
            raise LookupError("block")


async def test_open_group__block_raises__the_same_comes_out_when_its_tasks_have_ended() -> None:
    done = asyncio.Event()

    async def task() -> None:
        await asyncio.sleep(0)
        done.set()

    async def block() -> None:
        async with open_group() as group:
            group.create_task(task())
            raise LookupError("block")

    with pytest.raises(LookupError, match="block"):
        await block()
    assert done.is_set()
