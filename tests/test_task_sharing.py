"""What requests see of each other's tasks and contexts, and of what runs beside them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel, field_validator
from raw_http import Connection, eventually, request
from task_cases import BASE, VAR, handlers, me, shown

from covet import Covet
from covet._loop import LoopName
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve


def ask(connection: Connection, *paths: str) -> list[Any]:
    """The JSON answers to several requests that are sent at once."""
    connection.send(b"".join(request("GET", path) for path in paths))
    return [answer_of(connection) for _ in paths]


def answer_of(connection: Connection) -> Any:
    reply = connection.reply()
    assert reply.status == 200, reply
    return httpx.Response(200, content=reply.body).json()


# Between requests


def test_no_two_requests_share_a_task(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    tasks: list[asyncio.Task[Any]] = []

    @app.get("/{suspends}")
    async def handler(suspends: int) -> int:
        tasks.append(me())
        for _ in range(suspends):
            await asyncio.sleep(0)
        return len(tasks)

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        for paths in (["/0"] * 16, ["/1"] * 16, ["/0", "/2"] * 8):
            ask(connection, *paths)
        for _ in range(10):
            ask(connection, "/0")
        assert len(set(map(id, tasks))) == len(tasks) == 58
        assert all(task.done() for task in tasks)
        assert len({task.get_name() for task in tasks}) == len(tasks)
        # In the order they came: the first 16 did not wait for one another.
        assert [task.result() for task in tasks[:16]] == list(range(1, 17))
        tasks.clear()


def test_names_are_never_the_same(serve: Serve, loop_name: LoopName) -> None:
    """Whoever asks for a name, such as `logging`, tells requests apart by it."""
    app = Covet()

    @app.get("/")
    async def handler() -> str:
        return me().get_name()

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        names = ask(connection, *["/"] * 10) + ask(connection, "/") + ask(connection, "/")
        assert len(set(names)) == 12


@pytest.mark.skipif(sys.version_info < (3, 12), reason="tasks do not tell their context")
def test_no_two_requests_share_a_context(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    contexts: list[Any] = []

    @app.get("/")
    async def handler() -> int:
        contexts.append(me().get_context())  # type: ignore[attr-defined]
        # That of another request can be entered: nothing runs in it any more.
        contexts[0].run(VAR.set, "theirs") if len(contexts) > 1 else None
        return VAR.get("unset") == "unset"

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        assert all(ask(connection, *["/"] * 5) + ask(connection, "/"))
        assert len(set(map(id, contexts))) == 6


def test_parked_tasks_are_never_seen(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()

    @app.get("/fast")
    async def fast() -> list[str]:
        return [shown(task) for task in handlers(asyncio.all_tasks()) if task is not me()]

    @app.get("/slow")
    async def slow() -> list[str]:
        await asyncio.sleep(0.001)
        return [shown(task) for task in handlers(asyncio.all_tasks()) if task is not me()]

    async def outside() -> list[str]:
        return [shown(task) for task in handlers(asyncio.all_tasks()) if task is not me()]

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        ask(connection, "/slow")
        for _ in range(3):
            assert ask(connection, *["/fast"] * 20) == [[]] * 20
            assert ask(connection, "/slow") == [[]]
            assert ask(connection, "/fast") == [[]]
            assert served.run(outside()) == []


def test_each_request_sees_the_others(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    waiting: dict[str, asyncio.Future[str]] = {}

    @app.get("/wait/{name}")
    async def wait(name: str) -> str:
        me().set_name(name)
        waiting[name] = asyncio.get_running_loop().create_future()
        return await waiting[name]

    @app.get("/release")
    async def release() -> list[str]:
        names = [task.get_name() for task in handlers(asyncio.all_tasks()) if task is not me()]
        for name, future in waiting.items():
            future.set_result(f"released {name}")
        return sorted(names)

    with (
        serve(app, loop=loop_name) as served,
        Connection(served.port) as first,
        Connection(served.port) as second,
    ):
        first.send(request("GET", "/wait/a") + request("GET", "/wait/b"))
        eventually(lambda: len(waiting) == 2)
        assert ask(second, "/release") == [["a", "b"]]
        assert [answer_of(first), answer_of(first)] == ["released a", "released b"]


def test_a_request_cancels_another(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    shared: dict[str, asyncio.Task[Any]] = {}
    noted: list[Any] = []

    @app.get("/victim")
    async def victim() -> str:
        shared["victim"] = me()
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError as error:
            noted.append(error.args)
            raise
        return "never"

    @app.get("/culprit")
    async def culprit() -> list[bool]:
        task = shared["victim"]
        cancelled = [task.cancel("by another request")]
        await asyncio.wait({task})
        return [*cancelled, task.cancelled()]

    with (
        serve(app, loop=loop_name) as served,
        Connection(served.port) as first,
        Connection(served.port) as second,
    ):
        first.send(request("GET", "/victim"))
        eventually(lambda: "victim" in shared)
        assert ask(second, "/culprit") == [[True, True]]
        assert first.reply().status == 500
        assert noted == [("by another request",)]


def test_synchronisation_across_requests(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    lock, queue = asyncio.Lock(), asyncio.Queue[int]()
    condition, semaphore = asyncio.Condition(), asyncio.Semaphore(2)
    inside, most, ready = 0, 0, False

    @app.get("/locked")
    async def locked() -> int:
        nonlocal inside, most
        async with semaphore:
            inside, most = inside + 1, max(most, inside + 1)
            async with lock:
                await asyncio.sleep(0)
            inside -= 1
        return most

    @app.get("/get")
    async def get() -> int:
        return await queue.get()

    @app.get("/put/{number}")
    async def put(number: int) -> None:
        queue.put_nowait(number)

    @app.get("/wait")
    async def wait() -> bool:
        async with condition:
            return await condition.wait_for(lambda: ready)

    @app.get("/notify")
    async def notify() -> None:
        nonlocal ready
        async with condition:
            ready = True
            condition.notify_all()

    with (
        serve(app, loop=loop_name) as served,
        Connection(served.port) as first,
        Connection(served.port) as second,
    ):
        assert ask(first, *["/locked"] * 10)[-1] == 2
        first.send(b"".join(request("GET", path) for path in ("/get", "/wait", "/get", "/wait")))
        assert ask(second, "/put/1", "/notify", "/put/2") == [None] * 3
        assert [answer_of(first) for _ in range(4)] == [1, True, 2, True]


# What belongs to a request besides its handler


class Model(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def remember(cls, text: str) -> str:
        VAR.set(f"validated, was {VAR.get('unset')}")
        return text


@pytest.mark.parametrize("kind", ["async", "inline"])
def test_validators_run_in_the_request_s_task(serve: Serve, loop_name: LoopName, kind: str) -> None:
    app = Covet(sync="inline")

    async def in_task(body: Model) -> list[str]:
        return [VAR.get("unset"), VAR.set("handled") and BASE.get("unset")]

    def inline(body: Model) -> list[str]:
        return [VAR.get("unset"), VAR.set("handled") and BASE.get("unset")]

    app.post("/")(in_task if kind == "async" else inline)
    headers = "content-type: application/json"
    valid = request("POST", "/", headers, body=b'{"text": "a"}')
    invalid = request("POST", "/", headers, body=b'{"text": 1}')
    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        for batch in ([valid], [valid, invalid, valid, valid], [valid, invalid], [valid]):
            connection.send(b"".join(batch))
            for sent in batch:
                if sent is invalid:
                    assert connection.reply().status == 422
                else:
                    assert answer_of(connection) == ["validated, was unset", "unset"]


def test_serializers_run_in_the_request_s_task(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()

    async def handler() -> Any:
        def rows() -> Iterator[str]:
            yield VAR.get("unset")
            VAR.set("serialized")
            yield me().get_name()

        VAR.set("handled") if mode == "set" else None
        if mode == "suspend":
            await asyncio.sleep(0)
        return rows()

    app.get("/", response_model=None)(handler)
    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        names = []
        for mode in ("set", "plain", "suspend", "plain", "set"):
            for variable, name in ask(connection, "/", "/"):
                assert variable == ("handled" if mode == "set" else "unset")
                names.append(name)
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("suspends", [False, True])
def test_a_body_is_sent_by_the_handler_s_task(
    serve: Serve, loop_name: LoopName, suspends: bool
) -> None:
    app = Covet()
    ended: list[Any] = []

    @app.get("/")
    async def handler() -> StreamingResponse:
        task = me()
        VAR.set("handled")

        async def body() -> AsyncIterator[str]:
            yield VAR.get("unset")
            await asyncio.sleep(0)
            yield f" {me() is task} {task.done()}"

        if suspends:
            await asyncio.sleep(0)
        response = StreamingResponse(body())
        task.add_done_callback(lambda task: ended.append(task.result() is response))
        return response

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        connection.send(request("GET", "/") * 3)
        for _ in range(3):
            assert connection.reply().body == b"handled True False"
        eventually(lambda: ended == [True] * 3)


def test_inline_functions_have_a_task(serve: Serve, loop_name: LoopName) -> None:
    app = Covet(sync="inline")
    tasks = []

    @app.get("/")
    def handler(*, step: int = 1) -> list[Any]:
        tasks.append(me())
        before = VAR.get("unset")
        VAR.set("mine")
        return [before, me().done(), threading.get_ident(), step]

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        expected = ["unset", False, served.call(threading.get_ident), 1]
        # More than are kept ready, in one turn.
        assert ask(connection, *["/"] * 200) == [expected] * 200
        assert ask(connection, "/") == [expected]
        assert len(set(map(id, tasks))) == 201


# What ends the worker


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["async", "suspended", "inline", "thread"])
def test_what_ends_the_loop(
    serve: Serve, loop_name: LoopName, fatal: type[BaseException], kind: str
) -> None:
    ended: list[str] = []

    @contextlib.asynccontextmanager
    async def lifespan(_app: Covet) -> AsyncIterator[None]:
        try:
            yield
        finally:
            ended.append("lifespan")

    app = Covet(lifespan=lifespan)

    async def in_task() -> None:
        if kind == "suspended":
            await asyncio.sleep(0)
        raise fatal("of the handler")

    def in_function() -> None:
        raise fatal("of the handler")

    app.get("/fatal", sync="inline" if kind == "inline" else "thread")(
        in_task if kind in ("async", "suspended") else in_function
    )

    @app.get("/waits")
    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("request")

    with (
        serve(app, loop=loop_name, stops=False) as served,
        Connection(served.port) as waiting,
        Connection(served.port) as connection,
    ):
        waiting.send(request("GET", "/waits"))
        eventually(lambda: served.call(lambda: served.worker.server.in_flight) == 1)
        connection.send(request("GET", "/fatal"))
        served.join()
    assert isinstance(served.outcome, fatal)
    assert str(served.outcome) == "of the handler"
    assert sorted(ended) == ["lifespan", "request"]


# Loops that are set up differently


def test_debug_mode(serve: Serve, loop_name: LoopName, caplog: pytest.LogCaptureFixture) -> None:
    app = Covet()

    def debug(loop: asyncio.AbstractEventLoop) -> None:
        loop.set_debug(True)
        loop.slow_callback_duration = 0.02

    @app.get("/{suspends}")
    async def handler(suspends: int) -> str:
        for _ in range(suspends):
            await asyncio.sleep(0)
        threading.Event().wait(0.03)  # A callback that is too slow.
        return me().get_name()

    with (
        caplog.at_level(logging.WARNING, "asyncio"),
        serve(app, loop=loop_name, configure=debug) as served,
        Connection(served.port) as connection,
    ):
        assert len(set(ask(connection, "/0", "/1", "/0", "/2"))) == 4
    slow = [record for record in caplog.records if "took" in record.getMessage()]
    # uvloop does not watch its own callbacks.
    assert slow or loop_name == "uvloop"
    assert {record.name for record in caplog.records} <= {"asyncio"}


def test_a_factory_of_eager_tasks(serve: Serve, loop_name: LoopName) -> None:
    eager = getattr(asyncio, "eager_task_factory", None)
    if eager is None:
        pytest.skip("tasks are never started at once")
    if loop_name == "uvloop":
        pytest.skip("uvloop passes arguments on that the factory does not take")
    app = Covet()

    @app.get("/")
    async def handler() -> list[Any]:
        parent, seen = me(), []

        async def child() -> str:
            seen.append(me() is not parent)
            VAR.set("child's")
            return "child"

        task = asyncio.create_task(child())
        seen += [task.done(), await task, me() is parent, VAR.get("unset")]
        async with asyncio.TaskGroup() as group:
            group.create_task(child())
            group.create_task(asyncio.sleep(0))
        return [*seen, me() is parent]

    @app.get("/thread")
    def streams() -> StreamingResponse:
        return StreamingResponse(iter(["a", "b"]))

    with (
        serve(app, loop=loop_name, configure=lambda loop: loop.set_task_factory(eager)) as served,
        Connection(served.port) as connection,
    ):
        expected = [True, True, "child", True, "unset", True, True]
        assert ask(connection, "/", "/", "/") == [expected] * 3
        assert connection.get("/thread").body == b"ab"


def test_with_a_task_current_already(serve: Serve, loop_name: LoopName) -> None:
    """A turn that is asked for by a task: requests wait until that task has paused."""
    app = Covet()

    @app.get("/{suspends}")
    async def handler(suspends: int) -> list[Any]:
        before = VAR.get("unset")
        VAR.set("mine")
        for _ in range(suspends):
            await asyncio.sleep(0)
        return [before, VAR.get(), asyncio.current_task() is me()]

    async def turn() -> str:
        VAR.set("turn's")
        served.loop.remove_reader(served.worker.server.fileno())
        connection.send(b"".join(request("GET", path) for path in ("/0", "/1", "/0")))
        await asyncio.sleep(0.05)
        served.worker.server.on_ready()
        served.loop.add_reader(served.worker.server.fileno(), served.worker.server.on_ready)
        return VAR.get()

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        assert ask(connection, "/0") == [["unset", "mine", True]]
        assert served.run(turn()) == "turn's"
        assert [answer_of(connection) for _ in range(3)] == [["unset", "mine", True]] * 3
        assert ask(connection, "/0", "/1") == [["unset", "mine", True]] * 2
