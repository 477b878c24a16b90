"""`def` handlers: in a bounded pool of threads, or in the loop where that is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import re
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from raw_http import Connection, eventually, request

from covet import Covet, HTTPException
from covet._covet import Settings
from covet._loop import LoopName
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve

VAR: contextvars.ContextVar[str] = contextvars.ContextVar("VAR", default="unset")
BASE: contextvars.ContextVar[str] = contextvars.ContextVar("BASE", default="unset")


@contextlib.asynccontextmanager
async def lifespan(_app: Covet) -> AsyncIterator[None]:
    BASE.set("base")
    yield


class Gate:
    """Holds threads until it is opened, and knows how many were inside at once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = self.most = 0
        self.names: list[str] = []
        self._lock = threading.Lock()

    def pass_through(self) -> str:
        name = threading.current_thread().name
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.names.append(name)
        assert self.open.wait(20)
        with self._lock:
            self.inside -= 1
        return name


def make_app(gate: Gate) -> Covet:
    app = Covet(lifespan=lifespan)

    @app.get("/gate")
    def through() -> str:
        return gate.pass_through()

    @app.get("/alive")
    async def alive() -> str:
        return threading.current_thread().name

    return app


def workers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("covet-w")]


@pytest.fixture(autouse=True)
def no_worker_is_left() -> Iterator[None]:
    """The threads of a server end with it."""
    yield
    eventually(lambda: workers() == [], "the threads to end")


def test_the_loop_goes_on(serve: Serve, loop_name: LoopName) -> None:
    gate = Gate()
    with (
        serve(make_app(gate), loop=loop_name) as served,
        Connection(served.port) as blocked,
        Connection(served.port) as free,
    ):
        blocked.send(request("GET", "/gate"))
        eventually(lambda: gate.inside == 1)
        assert free.get("/alive").body == b'"serve-%b"' % loop_name.encode()
        gate.open.set()
        assert blocked.reply().body == b'"covet-worker-1"'


def test_the_pool_is_bounded(serve: Serve, loop_name: LoopName) -> None:
    gate = Gate()
    settings = Settings(thread_limit=3, thread_queue=2)
    with (
        serve(make_app(gate), loop=loop_name, settings=settings) as served,
        Connection(served.port) as connection,
        Connection(served.port) as refused,
    ):
        connection.send(request("GET", "/gate") * 5)
        eventually(lambda: gate.inside == 3)
        for _ in range(2):
            reply = refused.get("/gate")
            assert (reply.status, reply["retry-after"]) == (503, "1")
            assert reply.body == b'{"detail":"Service Unavailable"}'
        assert gate.inside == 3
        gate.open.set()
        assert [connection.reply().status for _ in range(5)] == [200] * 5
        assert refused.get("/gate").status == 200
        assert gate.most == 3
        assert set(gate.names) == {f"covet-worker-{number}" for number in (1, 2, 3)}


def test_without_a_queue(serve: Serve) -> None:
    gate = Gate()
    settings = Settings(thread_limit=2, thread_queue=0)
    with (
        serve(make_app(gate), settings=settings) as served,
        Connection(served.port) as connection,
        Connection(served.port) as refused,
    ):
        connection.send(request("GET", "/gate") * 2)
        eventually(lambda: gate.inside == 2)
        assert refused.get("/gate").status == 503
        gate.open.set()
        assert [connection.reply().status for _ in range(2)] == [200] * 2
        eventually(lambda: refused.get("/gate").status == 200)


def test_threads_are_used_again(serve: Serve, loop_name: LoopName) -> None:
    gate = Gate()
    gate.open.set()
    with serve(make_app(gate), loop=loop_name) as served, Connection(served.port) as connection:
        for _ in range(50):
            assert connection.get("/gate").status == 200
        assert all(re.fullmatch(r"covet-worker-[12]", name) for name in gate.names)


def test_a_job_whose_client_left_is_not_begun(serve: Serve, loop_name: LoopName) -> None:
    gate = Gate()
    settings = Settings(thread_limit=1)
    with (
        serve(make_app(gate), loop=loop_name, settings=settings) as served,
        Connection(served.port) as connection,
    ):
        connection.send(request("GET", "/gate"))
        eventually(lambda: gate.inside == 1)
        with Connection(served.port) as leaving:
            leaving.send(request("GET", "/gate"))
            eventually(lambda: served.call(lambda: served.worker.server.in_flight) == 2)
        eventually(lambda: served.call(lambda: served.worker.server.in_flight) == 1)
        gate.open.set()
        assert connection.reply().status == 200
        assert connection.get("/gate").status == 200
        assert len(gate.names) == 2


def test_each_call_has_a_copy_of_the_context(serve: Serve, loop_name: LoopName) -> None:
    app = Covet(lifespan=lifespan)

    @app.get("/")
    def handler() -> list[str]:
        before = [VAR.get(), BASE.get()]
        VAR.set("mine")
        BASE.set("mine")
        return [*before, VAR.get()]

    @app.get("/rows", response_model=None)
    def rows() -> Iterator[str]:
        def rows() -> Iterator[str]:
            yield VAR.get()
            yield threading.current_thread().name

        VAR.set("mine")
        return rows()

    @app.get("/stream")
    def stream() -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            yield f"{BASE.get()} {VAR.get()} {asyncio.current_task() is not None} "
            await asyncio.sleep(0)
            yield threading.current_thread().name

        VAR.set("mine")
        return StreamingResponse(body())

    settings = Settings(thread_limit=1)
    with (
        serve(app, loop=loop_name, settings=settings) as served,
        Connection(served.port) as connection,
    ):
        for _ in range(3):
            assert connection.get("/").body == b'["unset","base","mine"]'
            assert connection.get("/rows").body == b'["mine","covet-worker-1"]'
            expected = f"base mine True serve-{loop_name}"
            assert connection.get("/stream").body == expected.encode()


def test_exceptions(serve: Serve, loop_name: LoopName, caplog: pytest.LogCaptureFixture) -> None:
    app = Covet()

    @app.get("/http")
    def http() -> None:
        raise HTTPException(418, "teapot")

    @app.get("/value")
    def value() -> None:
        raise ValueError("in a thread")

    @app.get("/stop")
    def stop() -> None:
        raise StopIteration("in a thread")

    @app.get("/stream")
    def stream() -> StreamingResponse:
        def body() -> Iterator[str]:
            yield "begun"
            raise LookupError("in a stream")

        return StreamingResponse(body())

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            for _ in range(2):
                assert connection.get("/http").body == b'{"detail":"teapot"}'
                assert connection.get("/value").body == b"Internal Server Error"
                assert connection.get("/stop").status == 500
            connection.send(request("GET", "/stream"))
            # It is cut off, or the client would take it for whole.
            assert connection.rest().endswith(b"5\r\nbegun\r\n")
        with Connection(served.port) as connection:
            assert connection.get("/http").status == 418
    errors = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert errors == ["in a thread"] * 4 + ["in a stream"]


def test_back_to_the_loop(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    loops: list[asyncio.AbstractEventLoop] = []

    @app.get("/")
    def handler() -> list[Any]:
        with pytest.raises(RuntimeError, match="no running event loop"):
            asyncio.current_task()
        future = asyncio.run_coroutine_threadsafe(asyncio.sleep(0.001, "back"), loops[0])
        return [future.result()]

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        loops.append(served.loop)
        connection.send(request("GET", "/") * 20)
        assert [connection.reply().body for _ in range(20)] == [b'["back"]'] * 20


def test_answers_keep_their_order(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()

    @app.get("/{number}")
    def handler(number: int) -> int:
        time.sleep(0.001 * (number % 3))
        return number

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        connection.send(b"".join(request("GET", f"/{number}") for number in range(60)))
        assert [int(connection.reply().body) for _ in range(60)] == list(range(60))


def test_inline_runs_in_the_loop(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()

    @app.get("/app")
    def in_thread() -> str:
        return threading.current_thread().name

    @app.get("/route", sync="inline")
    def inline() -> list[Any]:
        before = VAR.get()
        VAR.set("mine")
        return [threading.current_thread().name, asyncio.current_task() is not None, before]

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        connection.send(request("GET", "/route") * 3 + request("GET", "/app"))
        expected = f'["serve-{loop_name}",true,"unset"]'.encode()
        assert [connection.reply().body for _ in range(3)] == [expected] * 3
        assert connection.reply().body == b'"covet-worker-1"'
