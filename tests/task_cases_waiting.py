"""More cases: contexts, the ways to wait, cancellation."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import decimal
from typing import Any

from task_cases import BASE, VAR, Probe, Yields, case, me

# Contexts


@case
async def inherits_variables(probe: Probe) -> Any:
    probe.note(BASE.get(), VAR.get("unset"))
    await asyncio.sleep(0)
    probe.note(BASE.get(), VAR.get("unset"))


@case
async def sets_a_variable(probe: Probe) -> Any:
    VAR.set("mine")
    BASE.set("mine")
    probe.note(VAR.get(), BASE.get())


@case
async def sets_a_variable_and_suspends(probe: Probe) -> Any:
    VAR.set("mine")
    await asyncio.sleep(0.001)
    probe.note(VAR.get())
    BASE.set("mine")
    await asyncio.sleep(0)
    probe.note(BASE.get())


@case
async def resets_a_variable(probe: Probe) -> Any:
    new, old = VAR.set("mine"), BASE.set("mine")
    VAR.reset(new)
    BASE.reset(old)
    probe.note(VAR.get("unset"), BASE.get())


@case
async def resets_a_variable_after_suspending(probe: Probe) -> Any:
    new, old = VAR.set("mine"), BASE.set("mine")
    await asyncio.sleep(0)
    VAR.reset(new)
    BASE.reset(old)
    probe.note(VAR.get("unset"), BASE.get())


@case
async def keeps_a_token(probe: Probe) -> Any:
    probe.shared["token"] = VAR.set("mine")
    probe.note(probe.shared["token"].old_value is contextvars.Token.MISSING)


@case
async def runs_in_a_copied_context(probe: Probe) -> Any:
    context = contextvars.copy_context()
    context.run(VAR.set, "copy's")
    probe.note(context[VAR], VAR.get("unset"))


@case
async def passes_variables_on(probe: Probe) -> Any:
    VAR.set("mine")
    seen = []
    asyncio.get_running_loop().call_soon(lambda: seen.append(VAR.get()))

    async def child() -> str:
        seen.append(VAR.get())
        VAR.set("child's")
        return VAR.get()

    probe.note(await asyncio.create_task(child()), VAR.get(), seen)
    probe.note(await asyncio.to_thread(VAR.get), VAR.get())


@case
async def has_its_own_decimal_context(probe: Probe) -> Any:
    probe.note(decimal.getcontext().prec)
    decimal.getcontext().prec = 5
    await asyncio.sleep(0)
    probe.note(str(decimal.Decimal(1) / 3))


# Timeouts, groups and the other ways to wait


@case
async def timeout_that_is_kept(probe: Probe) -> Any:
    async with asyncio.timeout(10) as timeout:
        pass
    probe.note(timeout.expired(), me().cancelling())
    async with asyncio.timeout(10) as timeout:
        await asyncio.sleep(0)
    probe.note(timeout.expired(), me().cancelling())


@case
async def timeout_that_is_missed(probe: Probe) -> Any:
    try:
        async with asyncio.timeout(0.005):
            await asyncio.sleep(10)
    except TimeoutError:
        probe.note("timed out", me().cancelling())
    async with asyncio.timeout(0.005):
        await asyncio.sleep(10)


@case
async def timeout_of_nothing(probe: Probe) -> Any:
    try:
        async with asyncio.timeout(0):
            probe.note("entered")
            await asyncio.sleep(10)
    except TimeoutError:
        probe.note("timed out", me().cancelling())
    async with asyncio.timeout(0):
        probe.note("did not wait")


@case
async def timeouts_nested(probe: Probe) -> Any:
    async with asyncio.timeout(10):
        try:
            async with asyncio.timeout(0.005), asyncio.timeout(10):
                await asyncio.sleep(10)
        except TimeoutError:
            probe.note("inner")
        await asyncio.sleep(0)
    return "outer was kept"


@case
async def waits_for(probe: Probe) -> Any:
    probe.note(await asyncio.wait_for(asyncio.sleep(0, "in time"), 10))
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.005)
    except TimeoutError:
        probe.note("timed out", me().cancelling())
    await asyncio.wait_for(asyncio.get_running_loop().create_future(), 0)


@case
async def task_group(probe: Probe) -> Any:
    async with asyncio.TaskGroup():
        probe.note("empty")
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0, number)) for number in range(3)]
    return [task.result() for task in tasks]


@case
async def task_group_with_a_failing_child(probe: Probe) -> Any:
    async def fail() -> None:
        raise ValueError("child")

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())
            await asyncio.sleep(10)
    except* ValueError as group_error:
        probe.note([str(error) for error in group_error.exceptions], me().cancelling())
    async with asyncio.TaskGroup() as group:
        group.create_task(fail())


@case
async def task_group_with_a_failing_parent(probe: Probe) -> Any:
    async def child() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            probe.note("child cancelled")
            raise

    async with asyncio.TaskGroup() as group:
        group.create_task(child())
        await asyncio.sleep(0)
        raise ValueError("parent")


async def _cancel(probe: Probe) -> Any:
    await probe.started.wait()
    probe.note(probe.shared["task"].cancel("from outside"))
    probe.shared.clear()


def _share(probe: Probe) -> None:
    probe.shared["task"] = me()
    probe.started.set()


@case(drive=_cancel)
async def task_group_that_is_cancelled(probe: Probe) -> Any:
    async def child() -> None:
        try:
            await asyncio.sleep(10)
        finally:
            probe.note("child ended")

    _share(probe)
    async with asyncio.TaskGroup() as group:
        group.create_task(child())


@case
async def shields(probe: Probe) -> Any:
    inner = asyncio.create_task(asyncio.sleep(0.01, "inner"))
    try:
        async with asyncio.timeout(0.001):
            await asyncio.shield(inner)
    except TimeoutError:
        probe.note("outer timed out", inner.cancelled())
    return await inner


@case
async def gathers(probe: Probe) -> Any:
    async def fail() -> None:
        raise ValueError("one of them")

    probe.note(await asyncio.gather(asyncio.sleep(0, 1), asyncio.sleep(0, 2)))
    results = await asyncio.gather(asyncio.sleep(0, 1), fail(), return_exceptions=True)
    probe.note([repr(result) for result in results])
    await asyncio.gather(fail(), asyncio.sleep(0))


@case
async def takes_as_completed(probe: Probe) -> Any:
    results = []
    for next_one in asyncio.as_completed([asyncio.sleep(0.01, "slow"), asyncio.sleep(0, "fast")]):
        results.append(await next_one)
    return results


@case
async def waits_for_the_first(probe: Probe) -> Any:
    fast = asyncio.create_task(asyncio.sleep(0, "fast"))
    slow = asyncio.create_task(asyncio.sleep(10, "slow"))
    done, pending = await asyncio.wait({fast, slow}, return_when=asyncio.FIRST_COMPLETED)
    probe.note(done == {fast}, pending == {slow}, slow.cancel())
    await asyncio.wait({slow})
    return slow.cancelled()


@case
async def is_awaited_by_a_child(probe: Probe) -> Any:
    async def child(parent: asyncio.Task[Any]) -> None:
        probe.note(f"child saw {await parent!r}")

    probe.shared["child"] = asyncio.create_task(child(me()))
    return "parent"


# Cancellation


@case
async def cancels_itself_and_suspends(probe: Probe) -> Any:
    probe.note(me().cancel("enough"), me().cancelling())
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as error:
        probe.note(error.args, me().cancelling())
        raise


@case
async def cancels_itself_and_yields(probe: Probe) -> Any:
    me().cancel("enough")
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError as error:
        probe.note(error.args)
        raise


@case
async def cancels_itself_and_awaits_what_is_done(probe: Probe) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_result("there")
    me().cancel()
    probe.note(await future)
    await asyncio.sleep(0)


@case
async def cancels_itself_and_awaits_a_shield(probe: Probe) -> Any:
    inner = asyncio.ensure_future(asyncio.sleep(0.001, "inner"))
    me().cancel()
    try:
        await asyncio.shield(inner)
    except asyncio.CancelledError as error:
        probe.note(error.args, await inner, me().cancelling())
        raise


@case
async def cancels_itself_and_awaits_garbage(probe: Probe) -> Any:
    me().cancel()
    try:
        await Yields("garbage")
    except BaseException as error:
        probe.note(type(error).__name__)
        raise


@case
async def cancels_itself_and_returns(probe: Probe) -> Any:
    me().cancel()
    return "returned"


@case
async def cancels_itself_and_raises(probe: Probe) -> Any:
    me().cancel()
    raise ValueError("raised")


@case
async def cancels_itself_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0)
    me().cancel("late")
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as error:
        probe.note(error.args)
    return "survived"


@case
async def survives_its_cancellation(probe: Probe) -> Any:
    me().cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(10)
    probe.note(me().cancelling(), me().uncancel())
    await asyncio.sleep(0)
    return "survived"


@case
async def takes_its_cancellation_back(probe: Probe) -> Any:
    me().cancel()
    me().cancel()
    probe.note(me().cancelling(), me().uncancel(), me().uncancel(), me().uncancel())
    return "no more than before"


@case(drive=_cancel)
async def is_cancelled(probe: Probe) -> Any:
    _share(probe)
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError as error:
        probe.note(error.args, me().cancelling())
        raise


@case(drive=_cancel)
async def is_cancelled_and_survives(probe: Probe) -> Any:
    _share(probe)
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        probe.note(me().cancelling(), me().uncancel())
    return "survived"


@case(drive=_cancel)
async def is_cancelled_and_raises(probe: Probe) -> Any:
    _share(probe)
    try:
        await asyncio.sleep(10)
    finally:
        raise ValueError("instead")


@case(drive=_cancel)
async def is_cancelled_and_cleans_up(probe: Probe) -> Any:
    _share(probe)
    try:
        await asyncio.sleep(10)
    finally:
        await asyncio.sleep(0.001)
        probe.note("cleaned up")
