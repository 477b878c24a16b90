"""More cases: threads, generators, and the libraries people use in handlers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anyio
import anyio.from_thread
import anyio.to_thread
import asyncpg
import httpx
import sniffio
from task_cases import VAR, Probe, case, me

# Threads and synchronisation


@case
async def goes_to_a_thread(probe: Probe) -> Any:
    VAR.set("mine")
    probe.note(await asyncio.to_thread(VAR.get))
    loop = asyncio.get_running_loop()
    probe.note(await loop.run_in_executor(None, sum, [1, 2, 3]))
    probe.note(await asyncio.to_thread(_back_to_the_loop, loop))


def _back_to_the_loop(loop: asyncio.AbstractEventLoop) -> Any:
    return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, "back"), loop).result()


@case
async def synchronises(probe: Probe) -> Any:
    lock, event, semaphore = asyncio.Lock(), asyncio.Event(), asyncio.Semaphore(1)
    condition, queue = asyncio.Condition(), asyncio.Queue[str](1)

    async def other() -> None:
        async with lock, semaphore:
            await queue.put("first")
            await queue.put("second")
        async with condition:
            event.set()
            condition.notify_all()

    async with lock:
        task = asyncio.create_task(other())
        await asyncio.sleep(0)
    probe.note(await queue.get(), await queue.get())
    async with condition:
        await condition.wait_for(event.is_set)
    async with semaphore:
        probe.note(semaphore.locked())
    await task
    return await event.wait()


@case
async def barrier(probe: Probe) -> Any:
    barrier = asyncio.Barrier(2)
    return sorted(await asyncio.gather(barrier.wait(), barrier.wait()))


# Generators and context managers


async def _count(probe: Probe) -> AsyncIterator[int]:
    try:
        for number in range(5):
            yield number
            await asyncio.sleep(0)
    finally:
        probe.note("closed", asyncio.current_task() is not None)


@case
async def async_generator(probe: Probe) -> Any:
    return [number async for number in _count(probe)]


@case
async def async_generator_that_is_closed(probe: Probe) -> Any:
    numbers = _count(probe)
    async with contextlib.aclosing(numbers):  # type: ignore[type-var]
        async for number in numbers:
            probe.note(number)
            break


@case
async def async_generator_that_is_left(probe: Probe) -> Any:
    async for number in _count(probe):
        probe.note(number)
        break


@case
async def async_context_managers(probe: Probe) -> Any:
    @contextlib.asynccontextmanager
    async def manager(name: str) -> AsyncIterator[str]:
        token = VAR.set(name)
        try:
            yield name
        finally:
            VAR.reset(token)
            probe.note(f"left {name}")

    async with contextlib.AsyncExitStack() as stack:
        for name in ("a", "b"):
            probe.note(await stack.enter_async_context(manager(name)), VAR.get())
        stack.push_async_callback(asyncio.sleep, 0)
        raise ValueError("within")


# anyio, sniffio and the clients


@case
async def anyio_task_group(probe: Probe) -> Any:
    async def child(number: int, *, task_status: anyio.abc.TaskStatus[int]) -> None:
        task_status.started(number)
        await anyio.sleep(0)
        probe.note(f"child {number}")

    async with anyio.create_task_group() as group:
        for number in range(2):
            probe.note(await group.start(child, number))
    async with anyio.create_task_group():
        pass
    return "done"


@case
async def anyio_task_group_that_fails(probe: Probe) -> Any:
    async def fail() -> None:
        raise ValueError("child")

    async with anyio.create_task_group() as group:
        group.start_soon(fail)
        await anyio.sleep(10)


@case
async def anyio_cancel_scopes(probe: Probe) -> Any:
    with anyio.move_on_after(0.005) as scope:
        await anyio.sleep(10)
    probe.note(scope.cancelled_caught, me().cancelling())
    with anyio.move_on_after(10) as scope:
        await anyio.lowlevel.checkpoint()
    probe.note(scope.cancelled_caught)
    with anyio.CancelScope() as scope:
        scope.cancel()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(0)
            probe.note("shielded")
        await anyio.sleep(10)
    probe.note(scope.cancelled_caught)
    with anyio.fail_after(0.005):
        await anyio.sleep(10)


@case
async def anyio_cancel_scope_without_waiting(probe: Probe) -> Any:
    with anyio.CancelScope() as scope:
        scope.cancel()
        probe.note(scope.cancel_called)
    with anyio.move_on_after(10):
        pass


@case
async def anyio_threads(probe: Probe) -> Any:
    VAR.set("mine")

    def in_thread() -> Any:
        anyio.from_thread.check_cancelled()
        return (
            VAR.get(),
            anyio.from_thread.run(anyio.sleep, 0),
            anyio.from_thread.run_sync(len, "ab"),
        )

    return repr(await anyio.to_thread.run_sync(in_thread))


@case
async def anyio_sees_the_task(probe: Probe) -> Any:
    info = anyio.get_current_task()
    probe.note(info.id == id(me()), info.name == me().get_name(), info.parent_id)
    probe.note(
        info.has_pending_cancellation(),
        len([task for task in anyio.get_running_tasks() if task.id == id(me())]),
    )
    await anyio.sleep(0)
    probe.note(anyio.get_current_task() == info)


@case
async def sniffio_knows_asyncio(probe: Probe) -> Any:
    probe.note(sniffio.current_async_library())
    await asyncio.sleep(0)
    probe.note(sniffio.current_async_library())


@case
async def httpx_client(probe: Probe) -> Any:
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(probe.url) for _ in range(3)))
    return [answer.json() for answer in answers]


@case
async def aiohttp_client(probe: Probe) -> Any:
    timeout = aiohttp.ClientTimeout(total=10)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(probe.url) as answer,
    ):
        return await answer.json()


@case
async def asyncpg_that_cannot_connect(probe: Probe) -> Any:
    await asyncpg.connect("postgresql://user@127.0.0.1:1/nothing", timeout=5, ssl=False)


@case
async def httpx_that_is_timed_out(probe: Probe) -> Any:
    async with httpx.AsyncClient() as client:
        await client.get(probe.url + "/slow", timeout=httpx.Timeout(20, read=0.05))
