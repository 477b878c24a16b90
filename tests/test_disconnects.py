"""Clients that leave before they have their answer, and what stays behind of requests: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import struct
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from raw_http import Connection, chunked, eventually, request
from task_cases import handlers

from covet import Covet, HTTPException, Request
from covet._covet import Settings
from covet._loop import LoopName
from covet.requests import ClientDisconnect
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve, Served


@pytest.fixture(autouse=True)
def expected_log(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The exceptions that are to be logged: that a client left is no error of anybody's."""
    expected: list[str] = []
    yield expected
    records = caplog.get_records("call")
    logged = [str(record.exc_info and record.exc_info[1]) for record in records]
    assert logged == expected


def in_flight(served: Served) -> int:
    return served.call(lambda: served.worker.server.in_flight)


def tasks(served: Served) -> list[asyncio.Task[Any]]:
    return served.call(lambda: handlers(asyncio.all_tasks(served.loop)))


def leave(connection: Connection, *, reset: bool = False) -> None:
    if reset:
        linger = struct.pack("ii", 1, 0)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.socket.close()


@pytest.mark.parametrize("reset", [False, True], ids=["closes", "resets"])
def test_a_waiting_handler_is_cancelled(serve: Serve, loop_name: LoopName, reset: bool) -> None:
    app = Covet()
    noted: list[Any] = []

    @app.get("/")
    async def handler() -> None:
        noted.append("begun")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError as error:
            noted.append(error.args)
            raise
        finally:
            await asyncio.sleep(0)
            noted.append("cleaned up")

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/") * 2)
            eventually(lambda: len(noted) == 2)
            leave(connection, reset=reset)
        eventually(lambda: noted.count("cleaned up") == 2)
        assert noted == ["begun"] * 2 + [()] * 2 + ["cleaned up"] * 2
        eventually(lambda: in_flight(served) == 0 and tasks(served) == [])


def test_a_handler_may_survive(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    noted: list[Any] = []

    @app.get("/{how}")
    async def handler(how: str) -> str:
        try:
            noted.append("begun")
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.001)
            noted.append("survived")
        if how == "streams":
            return StreamingResponse(unheard())  # type: ignore[return-value]
        return "for nobody"

    async def unheard() -> AsyncIterator[str]:
        noted.append("streamed")
        yield "for nobody"

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/returns") + request("GET", "/streams"))
            eventually(lambda: noted == ["begun"] * 2)
        eventually(lambda: noted[2:] == ["survived"] * 2)
        eventually(lambda: tasks(served) == [])
        with Connection(served.port) as connection:
            assert connection.get("/missing/route").status == 404
        assert "streamed" not in noted


def test_what_a_handler_raises_afterwards_is_logged(
    serve: Serve, loop_name: LoopName, expected_log: list[str]
) -> None:
    app = Covet()
    begun = threading.Event()

    @app.get("/")
    async def handler() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("while cleaning up")

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/"))
            assert begun.wait(20)
        eventually(lambda: tasks(served) == [])
    expected_log.append("while cleaning up")


@pytest.mark.parametrize("waits", [False, True], ids=["sends", "waits"])
@pytest.mark.parametrize("kind", ["async", "suspended", "def"])
def test_a_stream_is_closed(serve: Serve, loop_name: LoopName, kind: str, waits: bool) -> None:
    app = Covet()
    noted: list[str] = []
    waiting = threading.Event()

    async def body() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 10_000
                if waits:
                    waiting.set()
                    await asyncio.sleep(60)
        except BaseException as error:
            noted.append(type(error).__name__)
            raise
        finally:
            await asyncio.sleep(0)
            noted.append("closed")

    async def in_task() -> StreamingResponse:
        if kind == "suspended":
            await asyncio.sleep(0)
        return StreamingResponse(body())

    def in_thread() -> StreamingResponse:
        return StreamingResponse(body())

    app.get("/")(in_thread if kind == "def" else in_task)
    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/"))
            connection.reply("HEAD")
            assert connection.read_chunk() == b"x" * 10_000
            assert not waits or waiting.wait(20)
        eventually(lambda: "closed" in noted)
        # Cancelled where it waits, or closed where it had yielded.
        assert noted[0] == ("CancelledError" if waits else "GeneratorExit")
        eventually(lambda: in_flight(served) == 0 and tasks(served) == [])


def test_a_stream_that_will_not_end(serve: Serve, loop_name: LoopName) -> None:
    """One that swallows its cancellation cannot send any more, and nobody is told of an error."""
    app = Covet()
    noted: list[str] = []

    @app.get("/")
    async def handler() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            try:
                yield b"begun"
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.sleep(60)
                yield b"for nobody"
                noted.append("went on")
            finally:
                noted.append("closed")

        return StreamingResponse(body())

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/"))
            connection.reply("HEAD")
            connection.read_chunk()
        eventually(lambda: noted == ["closed"])
        eventually(lambda: tasks(served) == [])


def test_a_synchronous_iterator_is_closed(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    closed = threading.Event()

    @app.get("/")
    def handler() -> StreamingResponse:
        def body() -> Iterator[bytes]:
            try:
                while True:
                    yield b"x" * 1000
            finally:
                closed.set()

        return StreamingResponse(body())

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/"))
            connection.reply("HEAD")
            connection.read_chunk()
        assert closed.wait(20)
        eventually(lambda: tasks(served) == [])


# `receive`


@pytest.mark.parametrize("method", ["GET", "POST", "streamed"])
def test_receive_tells_of_it(serve: Serve, loop_name: LoopName, method: str) -> None:
    app = Covet()
    noted: list[Any] = []

    @app.route("/", methods=["GET", "POST"])
    async def handler(request: Request) -> None:
        async def watch() -> None:
            while (message := await request.receive())["type"] != "http.disconnect":
                noted.append(message["body"])
            noted.append("watcher heard")

        watching = asyncio.create_task(watch())
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await watching
            noted.append((await request.receive())["type"])
            noted.append(await request.is_disconnected())
            raise

    sent, body = {
        "GET": (request("GET", "/"), [b""]),
        "POST": (request("POST", "/", body=b"body"), [b"body"]),
        "streamed": (chunked("POST", "/", b"a", b"b")[:-5], [b"a", b"b"]),
    }[method]
    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(sent)
            eventually(lambda: b"".join(noted) == b"".join(body) and len(noted) > 0)
        eventually(lambda: noted[-1] is True)
        assert noted[-3:] == ["watcher heard", "http.disconnect", True]
        eventually(lambda: tasks(served) == [])


def test_receive_ends_with_the_response(serve: Serve, loop_name: LoopName) -> None:
    """A task that outlives its handler is told that there is nothing more to come."""
    app = Covet()
    noted: list[Any] = []
    background: set[asyncio.Task[None]] = set()

    @app.post("/{suspends}")
    async def handler(request: Request, suspends: int) -> str:
        async def watch() -> None:
            await request.receive()
            noted.append((await request.receive())["type"])

        background.add(asyncio.create_task(watch()))
        for _ in range(suspends):
            await asyncio.sleep(0)
        return "answered"

    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        for suspends in (0, 5):
            connection.send(request("POST", f"/{suspends}", body=b"body"))
            assert connection.reply().status == 200
        eventually(lambda: noted == ["http.disconnect"] * 2)
        background.clear()


def test_receive_loses_nothing(serve: Serve, loop_name: LoopName) -> None:
    """A call that is given up at the very moment a piece arrives leaves it for the next."""
    app = Covet()

    @app.post("/")
    async def handler(request: Request) -> list[Any]:
        body, given_up = b"", 0
        while True:
            receiving = asyncio.create_task(request.receive())  # type: ignore[arg-type]
            done, _ = await asyncio.wait({receiving}, timeout=0.0005)
            if not done:
                given_up += 1
                receiving.cancel()
                await asyncio.wait({receiving})
                if receiving.cancelled():
                    continue
            message = receiving.result()
            body += message["body"]
            if not message["more_body"]:
                return [len(body), hash(body) == hash(expected), given_up > 0]

    pieces = [bytes([number % 256]) * 7 for number in range(300)]
    expected = b"".join(pieces)
    with serve(app, loop=loop_name) as served, Connection(served.port) as connection:
        connection.send(request("POST", "/", f"content-length: {len(expected)}"))
        for number, piece in enumerate(pieces):
            connection.send(piece)
            if number % 10 == 0:
                threading.Event().wait(0.002)
        assert connection.reply().body == b"[2100,true,true]"


def test_polling_for_it_gathers_nothing(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    polled: list[int] = []

    @app.post("/")
    async def handler(request: Request) -> str:
        await request.body()
        for _ in range(2000):
            assert not await request.is_disconnected()
        gc.collect()
        futures = [item for item in gc.get_objects() if isinstance(item, asyncio.Future)]
        polled.append(len(futures))
        while not await request.is_disconnected():
            await asyncio.sleep(0.001)
        return "never"

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("POST", "/", body=b"body"))
            eventually(lambda: len(polled) == 1)
        assert polled[0] < 200
        eventually(lambda: tasks(served) == [])


def test_a_body_that_stops_coming(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    noted: list[str] = []

    @app.post("/")
    async def handler(request: Request) -> None:
        try:
            noted.extend([piece.decode() async for piece in request.stream()])
        except (ClientDisconnect, asyncio.CancelledError) as error:
            noted.append(type(error).__name__)
            raise

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("POST", "/", "content-length: 10") + b"half")
            eventually(lambda: len(tasks(served)) == 1)
        eventually(lambda: noted == ["CancelledError"])
        eventually(lambda: tasks(served) == [])


# What stays behind


class Everything:
    """An application with a route of every kind."""

    def __init__(self) -> None:
        self.app = Covet()
        self.begun = 0
        self.app.get("/fast")(self.fast)
        self.app.get("/touched")(self.touched)
        self.app.get("/suspended")(self.suspended)
        self.app.get("/stream")(self.stream)
        self.app.get("/http")(self.http)
        self.app.get("/error/{suspends}")(self.error)
        self.app.get("/typed/{number}")(self.typed)
        self.app.get("/thread")(self.thread)
        self.app.post("/body")(self.body)
        self.app.get("/endless")(self.endless)
        self.app.get("/waits")(self.waits)

    async def fast(self) -> list[int]:
        return [1, 2, 3]

    async def touched(self) -> str:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: None)
        task.itself = task  # type: ignore[attr-defined]  # A cycle, for the collector.
        return task.get_name()

    async def suspended(self) -> str:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                await asyncio.get_running_loop().create_future()
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
        return "suspended"

    async def stream(self) -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            yield b"a"
            await asyncio.sleep(0)
            yield b"b"

        return StreamingResponse(body())

    async def http(self) -> None:
        raise HTTPException(404)

    async def error(self, suspends: int) -> None:
        for _ in range(suspends):
            await asyncio.sleep(0)
        raise HTTPException(500, [suspends])

    async def typed(self, number: int, request: Request) -> int:
        return number + len(await request.body())

    def thread(self) -> str:
        return "thread"

    async def body(self, request: Request) -> int:
        return sum([len(piece) async for piece in request.stream()])

    async def endless(self) -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 1000

        return StreamingResponse(body())

    async def waits(self, request: Request) -> None:
        self.begun += 1
        watching = asyncio.create_task(request.receive())  # type: ignore[arg-type]
        await watching
        await asyncio.create_task(request.receive())  # type: ignore[arg-type]

    def round(self, served: Served) -> int:
        """Ask for everything; returns the number of requests."""
        paths = ["/fast"] * 40 + ["/touched", "/suspended", "/stream", "/http", "/thread"] * 4
        paths += ["/error/0", "/error/2", "/typed/1", "/typed/x", "/nowhere"] * 4
        batch = b"".join(request("GET", path) for path in paths)
        batch += chunked("POST", "/body", b"one", b"two") + request("POST", "/body", body=b"x" * 99)
        with Connection(served.port) as connection:
            for _ in range(5):
                connection.send(batch)
                for _ in range(len(paths) + 2):
                    connection.reply()
        begun = self.begun
        for path in ("/waits", "/endless"):
            with Connection(served.port) as connection:
                connection.send(request("GET", path) * 4)
                if path == "/waits":
                    eventually(lambda: self.begun == begun + 4)
                else:
                    connection.reply("HEAD")
                leave(connection, reset=self.begun % 8 == 0)
        return 5 * (len(paths) + 2) + 8


def objects() -> Counter[str]:
    for _ in range(3):
        gc.collect()
    return Counter(type(item).__name__ for item in gc.get_objects())


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_that_leave(serve: Serve, loop_name: LoopName) -> None:
    everything = Everything()
    with serve(everything.app, loop=loop_name) as served:
        own = len(asyncio.all_tasks(served.loop))
        for number in range(1, 21):
            with contextlib.ExitStack() as stack:
                for _ in range(50):
                    connection = stack.enter_context(Connection(served.port))
                    connection.send(request("GET", "/waits"))
                eventually(lambda number=number: everything.begun == 50 * number)
            eventually(lambda: len(asyncio.all_tasks(served.loop)) == own, "the tasks to end")
            assert in_flight(served) == 0
        with Connection(served.port) as connection:
            assert connection.get("/fast").status == 200


def test_nothing_stays_behind(serve: Serve, loop_name: LoopName) -> None:
    everything = Everything()
    settings = Settings(thread_limit=2)
    with serve(everything.app, loop=loop_name, settings=settings) as served:

        def quiet() -> bool:
            return in_flight(served) == 0 and tasks(served) == []

        for _ in range(6):
            everything.round(served)
            objects()
        eventually(quiet)
        before, blocks, memory = objects(), sys.getallocatedblocks(), resident()
        requests = 0
        while requests < 20_000:
            requests += everything.round(served)
        eventually(quiet)
        after = objects()
        grown = {kind: count for kind, count in (after - before).items() if count > 20}
        assert grown == {}
        assert sys.getallocatedblocks() - blocks < 2000
        assert resident() - memory < 12_000_000


def test_a_handler_that_can_never_end_is_collected(serve: Serve, loop_name: LoopName) -> None:
    """As a task would be, and with the same complaint."""
    app = Covet()
    noted: list[str] = []

    class Resource:
        def __del__(self) -> None:
            noted.append("collected")

    @app.get("/")
    async def handler() -> None:
        resource = Resource()
        noted.append("begun")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        noted.append("went on")
        await asyncio.get_running_loop().create_future()
        del resource

    with serve(app, loop=loop_name) as served:
        with Connection(served.port) as connection:
            connection.send(request("GET", "/"))
            eventually(lambda: noted == ["begun"])
        eventually(lambda: noted == ["begun", "went on"])
        served.call(gc.collect)
        assert noted == ["begun", "went on", "collected"]
        [problem] = served.problems
        assert problem["message"] == "Task was destroyed but it is pending!"
        served.problems.clear()


def test_nothing_stays_behind_of_a_server(serve: Serve, loop_name: LoopName) -> None:
    def live() -> None:
        everything = Everything()
        with serve(everything.app, loop=loop_name) as served:
            everything.round(served)

    live()
    before = objects()
    for _ in range(5):
        live()
    grown = {kind: count for kind, count in (objects() - before).items() if count >= 5}
    assert grown == {}
