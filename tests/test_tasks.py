"""A handler's task is what `asyncio.create_task(handler())` would have made."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
import task_cases_libraries  # noqa: F401 - adds its cases
import task_cases_waiting  # noqa: F401 - likewise
from raw_http import Connection, request
from task_cases import BASE, CASES, VAR, Case, Probe, me, shown

from covet import Covet

if TYPE_CHECKING:
    from conftest import Served


class Seen(NamedTuple):
    """What is compared: all that can be seen of one handler."""

    outcome: Any
    """What it returned or raised."""
    notes: list[Any]
    """What it wrote down itself."""
    task: Any
    """What its task says afterwards, to somebody who kept it."""
    leaks: list[Any]
    """What other requests see, before, during and afterwards."""


class Subject:
    """One handler, and what is seen of it."""

    def __init__(self, case: Case, url: str, *, kept: bool) -> None:
        self.probe = Probe(url)
        self.outcome: Any = "never ran"
        self.ended = threading.Event()
        self.task: asyncio.Task[Any] | None = None
        self.coroutine: Any = None
        self._case = case
        self._kept = kept

    async def run(self) -> Any:
        if self._kept:
            self.task = me()
            self.coroutine = self.task.get_coro()
        try:
            result = await self._case.handler(self.probe)
        except BaseException as error:
            self.outcome = described(error)
            raise
        finally:
            self.ended.set()
        self.outcome = result
        return result

    async def drive(self) -> None:
        if self._case.drive is not None:
            await self._case.drive(self.probe)

    async def seen(self, leaks: list[Any]) -> Seen:
        """To be called when it is over, in the same loop."""
        for _ in range(5):
            await asyncio.sleep(0.001)
            gc.collect(0)
        return Seen(self.outcome, self.probe.notes, self._kept_task(), leaks)

    def _kept_task(self) -> Any:
        task = self.task
        if task is None:
            return None
        if task.cancelled():
            ended: Any = "cancelled"
        else:
            ended = described(task.exception()) or task.result()
        is_coroutine = task.get_coro() is self.coroutine
        return task.done(), ended, task.cancelling(), is_coroutine, task in asyncio.all_tasks()


def described(error: BaseException | None) -> Any:
    if error is None:
        return None
    context = type(error.__context__).__name__
    parts = [described(part) for part in getattr(error, "exceptions", ())]
    return type(error).__name__, shown(str(error)), context, parts


def leaks() -> Any:
    """What a handler sees that has no business with any other."""
    task = me()
    weak = weakref.getweakrefcount(task)
    mark = getattr(task, "mark", "unmarked")
    return [
        VAR.get("unset"),
        BASE.get(),
        task.cancelling(),
        task.get_name().startswith("Task-"),
        mark,
        weak,
        sys.exc_info() == (None, None, None),
        task.done(),
        task in asyncio.all_tasks(),
        getattr(task.get_coro(), "__name__", "?"),
    ]


class Stage:
    """A server with every case as a route, each with the task kept and not kept."""

    def __init__(self) -> None:
        self.app = Covet(lifespan=self.lifespan)
        self.subject: Subject
        self.app.get("/hello")(self.hello)
        self.app.get("/hello/slow")(self.slow)
        self.app.get("/run", name="run")(self.handler)
        self.app.get("/leaks")(self.observer)

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: Covet) -> AsyncIterator[None]:
        BASE.set("base")
        yield

    async def hello(self) -> str:
        return "hello"

    async def slow(self) -> str:
        await asyncio.sleep(10)
        return "slow"

    async def handler(self) -> Any:
        return await self.subject.run()

    async def observer(self) -> Any:
        return leaks()


def through_the_engine(stage: Stage, served: Served, case: Case, *, kept: bool) -> Seen:
    """Run a case for a client, with other requests around it: before and after it on the same
    connection, in the same turn, and on another connection."""
    stage.subject = subject = Subject(case, f"{served.base_url}/hello", kept=kept)
    driving = asyncio.run_coroutine_threadsafe(subject.drive(), served.loop)
    with Connection(served.port) as connection, Connection(served.port) as other:
        leaks, run = request("GET", "/leaks"), request("GET", "/run")
        connection.send(leaks + run + leaks)
        before, answer, after = connection.reply(), connection.reply(), connection.reply()
        # An answer that has come does not mean that the task's callbacks have run.
        assert subject.ended.wait(20)
        driving.result(20)
        seen = [before.body, after.body, connection.get("/leaks").body, other.get("/leaks").body]
        # What the task has become must not depend on what the client was told.
        failed = isinstance(subject.outcome, tuple)
        assert answer.status == (500 if failed else 200)
    return served.run(subject.seen([httpx.Response(200, content=body).json() for body in seen]))


async def by_create_task(case: Case, url: str, *, kept: bool) -> Seen:
    """Run a case as a task of its own, with other tasks around it."""

    loop = asyncio.get_running_loop()
    stage = Stage()
    stage.subject = subject = Subject(case, url, kept=kept)
    driving = loop.create_task(subject.drive())
    before = loop.create_task(stage.observer())
    task = loop.create_task(stage.handler())
    after = loop.create_task(stage.observer())
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # Retrieved, or asyncio complains.
    del task
    await driving
    seen = [await before, await after]
    for _ in range(2):
        seen.append(await loop.create_task(stage.observer()))
    return await subject.seen(seen)


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def stage(request: pytest.FixtureRequest) -> Iterator[tuple[Stage, Served]]:
    from conftest import _serve

    if request.param == "uvloop":
        pytest.importorskip("uvloop")
    stage = Stage()
    with _serve(stage.app, loop=request.param) as served:
        yield stage, served


@pytest.mark.parametrize("kept", [False, True], ids=["", "kept"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_create_task(stage: tuple[Stage, Served], case: Case, kept: bool) -> None:
    def _compare() -> Seen:
        BASE.set("base")
        factory = type(served.loop)
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.get_loop().set_exception_handler(lambda *_: None)
            return runner.run(by_create_task(case, f"{served.base_url}/hello", kept=kept))

    scene, served = stage
    expected = in_thread(_compare)
    assert through_the_engine(scene, served, case, kept=kept) == expected


def in_thread(function: Callable[[], Any]) -> Any:
    """Call a function in a thread that nothing was done in before."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(function()))
    thread.start()
    thread.join(30)
    return result[0]
