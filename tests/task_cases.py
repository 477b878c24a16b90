"""Handlers that use their task in every way a handler can. `test_tasks.py` runs each of them
through the engine and as `asyncio.create_task(handler())`, and compares what can be seen."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import decimal
import inspect
import re
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import anyio
import anyio.from_thread
import anyio.to_thread
import asyncpg
import httpx
import sniffio

VAR: contextvars.ContextVar[str] = contextvars.ContextVar("VAR")
"""Set by handlers; no other request may see it."""
BASE: contextvars.ContextVar[str] = contextvars.ContextVar("BASE")
"""Set to `base` before anything is served; every request sees it."""


@dataclass
class Probe:
    """What one handler writes down, and how it meets whoever acts on it from outside."""

    url: str
    """A route that answers `"hello"`."""
    notes: list[Any] = field(default_factory=list)
    shared: dict[str, Any] = field(default_factory=dict)
    started: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, *values: Any) -> None:
        self.notes.extend(values)


Handler = Callable[[Probe], Awaitable[Any]]


@dataclass
class Case:
    """One row of the table."""

    handler: Handler
    drive: Handler | None
    """Runs in the same loop, beside the handler."""
    since: tuple[int, int]
    """The first version of Python that can do this."""

    @property
    def name(self) -> str:
        return self.handler.__name__  # type: ignore[attr-defined, no-any-return]


CASES: list[Case] = []


def case(
    handler: Handler | None = None,
    *,
    drive: Handler | None = None,
    since: tuple[int, int] = (3, 11),
) -> Any:
    """Add a handler to the table."""

    def add(handler: Handler) -> Handler:
        if sys.version_info >= since:
            CASES.append(Case(handler, drive, since))
        return handler

    return add if handler is None else add(handler)


class OddError(BaseException):
    """An exception that is no `Exception`."""


def me() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def shown(value: object) -> str:
    """Its `repr` without what differs each time."""
    without_callbacks = re.sub(r" cb=\[.*?\]>", ">", repr(value))
    return re.sub(r"0x[0-9a-f]+|Task-\d+", "…", without_callbacks)


def handlers(tasks: set[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """Those tasks that are no server's or test's own: handlers, and whatever is unknown."""
    own = (
        "Served._serve",
        "Worker._tick",
        "Subject.drive",
        "by_create_task",
        "Subject.seen",
        "Stage.observer",
    )
    return [task for task in tasks if getattr(task.get_coro(), "__qualname__", "?") not in own]


# Results and exceptions


@case
async def returns(probe: Probe) -> Any:
    return {"answer": 42}


@case
async def returns_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0.001)
    return {"answer": 42}


@case
async def raises(probe: Probe) -> Any:
    raise ValueError("before")


@case
async def raises_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0)
    raise ValueError("after")


@case
async def raises_from_another(probe: Probe) -> Any:
    try:
        raise KeyError("inner")
    except KeyError:
        raise ValueError("outer") from None


@case
async def raises_without_context(probe: Probe) -> Any:
    error = ValueError("alone")
    probe.note(sys.exc_info() == (None, None, None))
    try:
        raise error
    finally:
        probe.note(error.__context__)


@case
async def raises_base_exception(probe: Probe) -> Any:
    raise OddError("odd")


@case
async def raises_base_exception_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0)
    raise OddError("odd")


@case
async def raises_groups(probe: Probe) -> Any:
    await asyncio.sleep(0)
    raise BaseExceptionGroup("several", [OddError("odd"), ValueError("even")])


@case
async def raises_stop_iteration(probe: Probe) -> Any:
    raise StopIteration(1)


@case
async def raises_stop_iteration_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0)
    raise StopIteration(1)


@case
async def raises_stop_async_iteration(probe: Probe) -> Any:
    raise StopAsyncIteration(1)


@case
async def raises_generator_exit(probe: Probe) -> Any:
    raise GeneratorExit


@case
async def raises_cancelled_error(probe: Probe) -> Any:
    raise asyncio.CancelledError("by hand")


@case
async def raises_cancelled_error_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0)
    raise asyncio.CancelledError("by hand")


# Suspending


@case
async def yields_often(probe: Probe) -> Any:
    for _ in range(100):
        await asyncio.sleep(0)
    return "done"


@case
async def awaits_a_done_future(probe: Probe) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_result("there")
    return await future


@case
async def awaits_a_failed_future(probe: Probe) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.set_exception(LookupError("not there"))
    return await future


@case
async def awaits_a_cancelled_future(probe: Probe) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.cancel("gone")
    return await future


class Yields:
    """An awaitable that yields one value as it is."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self.value)


@case
async def awaitable_yields_none(probe: Probe) -> Any:
    return repr(await Yields(None))


@case
async def awaitable_yields_garbage(probe: Probe) -> Any:
    try:
        await Yields("garbage")
    except RuntimeError as error:
        probe.note("bad yield" in str(error))
        await asyncio.sleep(0)
    return await Yields(42)


@case
async def awaitable_yields_a_bare_future(probe: Probe) -> Any:
    await Yields(asyncio.get_running_loop().create_future())


@case
async def awaits_a_future_of_another_loop(probe: Probe) -> Any:
    other = asyncio.new_event_loop()
    try:
        await other.create_future()
    except RuntimeError as error:
        probe.note("different loop" in str(error))
    finally:
        other.close()


@case
async def awaits_itself(probe: Probe) -> Any:
    try:
        await me()
    except RuntimeError as error:
        probe.note("await on itself" in str(error))
        raise


# The task as the handler sees it


@case
async def current_task_is_a_task(probe: Probe) -> Any:
    task = me()
    probe.note(isinstance(task, asyncio.Task), asyncio.isfuture(task), type(task).__name__)
    probe.note(task.done(), task.cancelled(), task.cancelling())
    probe.note(task.get_loop() is asyncio.get_running_loop())
    for ask in (task.result, task.exception):
        with contextlib.suppress(asyncio.InvalidStateError):
            ask()
            probe.note("no error")


@case
async def current_task_stays_the_same(probe: Probe) -> Any:
    before = me()
    await asyncio.sleep(0)
    probe.note(me() is before)
    await asyncio.sleep(0.001)
    probe.note(me() is before, before.done())


@case
async def current_task_elsewhere(probe: Probe) -> Any:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    loop.call_soon(lambda: done.set_result(asyncio.current_task()))
    probe.note(await done)
    probe.note(await asyncio.create_task(asyncio.to_thread(_current_task_in_thread)))
    probe.note(asyncio.current_task(loop) is me(), threading.current_thread().name != "")


def _current_task_in_thread() -> str:
    try:
        return repr(asyncio.current_task())
    except RuntimeError as error:
        return str(error)


async def _all_tasks(probe: Probe) -> Any:
    await probe.started.wait()
    found = handlers(asyncio.all_tasks())
    probe.note([task.done() for task in found], [task.get_coro() is None for task in found])
    probe.shared["go"].set()


@case
async def all_tasks_has_it(probe: Probe) -> Any:
    found = handlers(asyncio.all_tasks())
    probe.note(me() in found, len(found), [task.done() for task in found])
    await asyncio.sleep(0)
    found = handlers(asyncio.all_tasks())
    probe.note(me() in found, len(found))


@case(drive=_all_tasks)
async def all_tasks_has_it_from_outside(probe: Probe) -> Any:
    probe.shared["go"] = asyncio.Event()
    probe.started.set()
    await probe.shared["go"].wait()


@case
async def has_a_default_name(probe: Probe) -> Any:
    name = me().get_name()
    probe.note(bool(re.fullmatch(r"Task-\d+", name)))
    await asyncio.sleep(0)
    probe.note(me().get_name() == name)


@case
async def sets_its_name(probe: Probe) -> Any:
    me().set_name("mine")
    probe.note(me().get_name())


@case
async def sets_its_name_and_suspends(probe: Probe) -> Any:
    me().set_name("mine")
    await asyncio.sleep(0)
    probe.note(me().get_name())


@case
async def has_its_coroutine(probe: Probe) -> Any:
    coroutine: Any = me().get_coro()
    probe.note(coroutine.__name__, inspect.iscoroutine(coroutine), coroutine.cr_running)
    probe.note(inspect.getcoroutinestate(coroutine))
    await asyncio.sleep(0)
    probe.note(me().get_coro() is coroutine)


@case(since=(3, 12))
async def has_its_context(probe: Probe) -> Any:
    VAR.set("mine")
    context = me().get_context()  # type: ignore[attr-defined]
    probe.shared["context"] = context
    probe.note(context[VAR], context[BASE])
    with contextlib.suppress(RuntimeError):
        context.run(lambda: None)
        probe.note("entered twice")
    await asyncio.sleep(0)
    probe.note(me().get_context() is context)  # type: ignore[attr-defined]


@case
async def is_shown(probe: Probe) -> Any:
    probe.note(shown(me()), me().get_stack()[-1].f_code.co_name)
    await asyncio.sleep(0)
    probe.note(shown(me()), me().get_stack()[-1].f_code.co_name)


@case
async def has_attributes(probe: Probe) -> Any:
    me().mark = "mine"  # type: ignore[attr-defined]
    await asyncio.sleep(0)
    probe.note(me().mark)  # type: ignore[attr-defined]


@case
async def has_attributes_without_suspending(probe: Probe) -> Any:
    me().mark = "mine"  # type: ignore[attr-defined]


@case
async def is_kept(probe: Probe) -> Any:
    probe.shared["task"] = me()


@case
async def is_kept_weakly(probe: Probe) -> Any:
    probe.shared["weak"] = weakref.ref(me())
    probe.shared["weak callback"] = weakref.ref(me(), lambda _: None)


@case
async def is_a_weak_key(probe: Probe) -> Any:
    probe.shared["weak keys"] = weakref.WeakKeyDictionary({me(): "mine"})
    await asyncio.sleep(0)
    probe.note(probe.shared["weak keys"][me()])


# Callbacks


def _told(probe: Probe) -> Callable[[asyncio.Task[Any]], None]:
    def told(task: asyncio.Task[Any]) -> None:
        ended = "cancelled" if task.cancelled() else (task.exception() or task.result())
        probe.note(f"told {ended!r}", asyncio.current_task(), task.done())

    return told


@case
async def is_told_of_its_end(probe: Probe) -> Any:
    me().add_done_callback(_told(probe))
    return "end"


@case
async def is_told_of_its_end_after_suspending(probe: Probe) -> Any:
    me().add_done_callback(_told(probe))
    await asyncio.sleep(0)
    return "end"


@case
async def is_told_of_its_exception(probe: Probe) -> Any:
    me().add_done_callback(_told(probe))
    raise ValueError("end")


@case
async def is_told_of_its_exception_after_suspending(probe: Probe) -> Any:
    await asyncio.sleep(0)
    me().add_done_callback(_told(probe))
    raise ValueError("end")


@case
async def is_told_in_a_context(probe: Probe) -> Any:
    context = contextvars.copy_context()
    context.run(VAR.set, "callback's")
    me().add_done_callback(lambda _: probe.note(VAR.get("unset")), context=context)
    me().add_done_callback(lambda _: probe.note(VAR.get("unset")))
    return "end"


@case
async def changes_its_mind_about_callbacks(probe: Probe) -> Any:
    told = _told(probe)
    me().add_done_callback(told)
    me().add_done_callback(told)
    probe.note(me().remove_done_callback(told))


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
        await client.get(probe.url + "/slow", timeout=0.02)
