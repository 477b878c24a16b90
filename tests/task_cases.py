"""Handlers that use their task in every way a handler can. `test_tasks.py` runs each of them
through the engine and as `asyncio.create_task(handler())`, and compares what can be seen."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import re
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from typing import Any

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
