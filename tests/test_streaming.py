"""Streamed responses: framing, flow, and how they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from raw_http import Connection, eventually, request

from covet import Covet
from covet._loop import LoopName
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve


def make_app(log: list[Any]) -> Covet:
    app = Covet()

    async def counted(count: int) -> AsyncIterator[str]:
        try:
            for number in range(count):
                yield f"{number} "
                await asyncio.sleep(0)
        finally:
            log.append("closed")

    def blocking(count: int) -> Iterator[bytes]:
        for number in range(count):
            time.sleep(0.001)
            yield b"%d " % number

    async def failing(after: int) -> AsyncIterator[str]:
        for number in range(after):
            yield f"{number} "
        raise ValueError("broke off")

    @app.get("/async/{count}")
    async def from_async(count: int) -> StreamingResponse:
        return StreamingResponse(counted(count), media_type="text/plain")

    @app.get("/sync/{count}")
    async def from_sync(count: int) -> StreamingResponse:
        return StreamingResponse(blocking(count), status_code=201, headers={"x-name": "value"})

    @app.get("/thread/{count}")
    def from_thread(count: int) -> StreamingResponse:
        return StreamingResponse(blocking(count))

    @app.get("/fails/{after}")
    async def fails(after: int) -> StreamingResponse:
        return StreamingResponse(failing(after))

    @app.get("/declared/{length}")
    async def declared(length: int) -> StreamingResponse:
        headers = {"content-length": str(length)}
        return StreamingResponse(counted(5), headers=headers)

    @app.get("/none")
    async def none() -> StreamingResponse:
        return StreamingResponse(counted(3), status_code=204)

    @app.get("/wrong")
    async def wrong() -> StreamingResponse:
        async def numbers() -> AsyncIterator[Any]:
            yield "text"
            yield object()

        return StreamingResponse(numbers())

    @app.get("/endless")
    async def endless() -> StreamingResponse:
        async def ticks() -> AsyncIterator[str]:
            log.append("open")
            try:
                while True:
                    yield "tick"
                    await asyncio.sleep(0.001)
            finally:
                log.append("closed")

        return StreamingResponse(ticks())

    return app


def numbers(count: int) -> bytes:
    return b"".join(b"%d " % number for number in range(count))


def test_streams(serve: Serve, loop_name: LoopName) -> None:
    log: list[Any] = []
    with serve(make_app(log), loop=loop_name) as served, Connection(served.port) as client:
        for path, status in [("/async", 200), ("/sync", 201), ("/thread", 200)]:
            for count in (0, 1, 50):
                reply = client.get(f"{path}/{count}")
                assert (reply.status, reply.body) == (status, numbers(count)), path
                assert reply["transfer-encoding"] == "chunked"
        assert client.get("/sync/1")["x-name"] == "value"
        assert client.get("/async/1")["content-type"] == "text/plain; charset=utf-8"
    assert log == ["closed"] * 4


def test_pieces_leave_as_they_are_produced(serve: Serve) -> None:
    with serve(make_app([])) as served, Connection(served.port) as client:
        client.send(request("GET", "/endless"))
        assert client.reply("HEAD").status == 200
        for _ in range(20):
            assert client.read_chunk() == b"tick"


def test_an_old_client_gets_the_body_to_the_end_of_the_connection(serve: Serve) -> None:
    with serve(make_app([])) as served:
        for asked in ("", "connection: keep-alive\r\n"):
            with Connection(served.port) as client:
                client.send(f"GET /async/20 HTTP/1.0\r\n{asked}\r\n")
                reply = client.reply()
                assert reply.body == numbers(20)
                assert "transfer-encoding" not in reply
                assert reply["connection"] == "close"
            with Connection(served.port) as client:
                client.send(f"GET /declared/10 HTTP/1.0\r\n{asked}\r\n")
                reply = client.reply()
                assert (reply["content-length"], reply.body) == ("10", numbers(5))


def test_bodiless_responses(serve: Serve) -> None:
    log: list[Any] = []
    with serve(make_app(log)) as served, Connection(served.port) as client:
        client.send(request("HEAD", "/async/5"))
        assert client.reply("HEAD").status == 200
        reply = client.get("/none")
        assert (reply.status, reply.all("transfer-encoding")) == (204, [])
        assert client.get("/async/1").body == b"0 "


@pytest.mark.parametrize("path", ["/fails/0", "/fails/3", "/wrong"])
def test_a_stream_that_fails_is_cut(
    serve: Serve, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(make_app([])) as served, Connection(served.port) as client:
        client.send(request("GET", path) + request("GET", "/async/1"))
        assert client.reply("HEAD").status == 200
        rest = client.rest()
        # Without the last chunk no client takes the body for whole.
        assert not rest.endswith(b"0\r\n\r\n")
        assert b"HTTP/1.1" not in rest
    [record] = caplog.records
    assert record.exc_info is not None


@pytest.mark.parametrize("length", [3, 10, 12])
def test_a_declared_length_is_kept(
    serve: Serve, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    with serve(make_app([])) as served, Connection(served.port) as client:
        client.send(request("GET", f"/declared/{length}") + request("GET", "/async/1"))
        reply = client.reply("HEAD")
        assert (reply.status, reply["content-length"]) == (200, str(length))
        if length == 10:
            assert client.read(10) == numbers(5)
            assert client.reply().body == numbers(1)
            assert caplog.records == []
        else:
            # More than declared would be read as the next response, less would wait for it.
            rest = client.rest()
            assert rest == (numbers(1) if length == 3 else numbers(5))
            assert len(caplog.records) == 1


def test_a_client_that_leaves_ends_the_stream(serve: Serve, loop_name: LoopName) -> None:
    log: list[Any] = []
    with serve(make_app(log), loop=loop_name) as served:
        with Connection(served.port) as client:
            client.send(request("GET", "/endless"))
            assert client.reply("HEAD").status == 200
            client.read_chunk()
        eventually(lambda: log == ["open", "closed"], "the generator to be closed")
        with Connection(served.port) as client:
            assert client.get("/async/1").body == b"0 "


def test_a_large_response(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()
    size = 50_000_000

    @app.get("/")
    async def large() -> str:
        return "x" * size

    with serve(app, loop=loop_name) as served, Connection(served.port) as client:
        client.send(request("GET", "/") + request("HEAD", "/") + request("GET", "/nothing"))
        reply = client.reply()
        assert reply["content-length"] == str(size + 2)
        assert reply.body.count(b"x") == size
        assert client.reply("HEAD")["content-length"] == str(size + 2)
        assert client.reply().status == 404
