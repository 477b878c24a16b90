"""What a client may not do: the status it gets, and what becomes of its connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from raw_http import Connection, eventually, request

from covet import Covet, Request, _server
from covet._covet import Settings

if TYPE_CHECKING:
    from conftest import Serve

LIMITS = Settings(max_head_size=2000, max_uri_size=500, max_headers=10, max_body_size=100)


def make_app() -> Covet:
    app = Covet()

    @app.get("/")
    async def root(q: str = "") -> int:
        return len(q)

    @app.post("/buffered")
    async def buffered(body: dict[str, int]) -> int:
        return len(body)

    @app.post("/streamed")
    async def streamed(request: Request) -> int:
        return len(await request.body())

    @app.get("/big")
    async def big() -> str:
        return "x" * 20_000_000

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(0.3)
        return "slow"

    return app


def target(length: int) -> bytes:
    return request("GET", "/?q=".ljust(length, "x"))


def headers(count: int) -> bytes:
    return request("GET", "/", *(f"x-{number}: x" for number in range(count - 1)))


def head(length: int) -> bytes:
    bare = len(request("GET", "/", "x: "))
    return request("GET", "/", f"x: {'x' * (length - bare)}")


def line(text: str) -> bytes:
    return f"{text}\r\nhost: h\r\n\r\n".encode()


def body(*declared: str, path: str = "/buffered", then: bytes = b"") -> bytes:
    return request("POST", path, "content-type: application/json", *declared) + then


TABLE: list[tuple[str, bytes, int]] = [
    ("target at the limit", target(500), 200),
    ("target over the limit", target(501), 414),
    ("endless target", b"GET /" + b"x" * 5000, 414),
    ("headers at the limit", headers(10), 200),
    ("headers over the limit", headers(11), 431),
    ("head at the limit", head(2000), 200),
    ("head over the limit", head(2001), 431),
    ("endless header", b"GET / HTTP/1.1\r\nhost: h\r\nx: " + b"x" * 5000, 431),
    ("body at the limit", body("content-length: 100", then=b'{"a":1}'.ljust(100)), 200),
    ("body over the limit", body("content-length: 101"), 413),
    ("body far over the limit", body("content-length: " + "9" * 40), 413),
    ("streamed body over the limit", body("content-length: 101", path="/streamed"), 413),
    ("chunked body over the limit", body("transfer-encoding: chunked", then=b"65\r\n"), 413),
    ("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    ("no version", b"GET /\r\n\r\n", 400),
    ("an empty target", line("GET  HTTP/1.1"), 400),
    ("a relative target", line("GET x HTTP/1.1"), 400),
    ("a control character in the target", line("GET /\x00 HTTP/1.1"), 400),
    ("no host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("two hosts", request("GET", "/", "host: other"), 400),
    ("a host with a path", b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400),
    ("no colon", request("GET", "/", "header"), 400),
    ("a space before the colon", request("GET", "/", "name : value"), 400),
    ("a folded line", request("GET", "/", "a: b", " c"), 400),
    ("a bare line feed", b"GET / HTTP/1.1\nhost: h\r\n\r\n", 400),
    ("a control character in a value", request("GET", "/", "a: \x01"), 400),
    ("a length that is no number", body("content-length: 1x"), 400),
    ("a negative length", body("content-length: -1"), 400),
    ("a signed length", body("content-length: +1"), 400),
    ("two lengths", body("content-length: 1", "content-length: 1"), 400),
    ("length and encoding", body("content-length: 1", "transfer-encoding: chunked"), 400),
    ("a chunk size that is no number", body("transfer-encoding: chunked", then=b"x\r\n"), 400),
    ("a chunk that does not end", body("transfer-encoding: chunked", then=b"1\r\nabc"), 400),
    ("another encoding", body("transfer-encoding: gzip, chunked"), 501),
    ("a tunnel", line("CONNECT example.org:443 HTTP/1.1"), 501),
    ("HTTP/2 by prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("HTTP/1.2", line("GET / HTTP/1.2"), 505),
    ("another expectation", body("content-length: 1", "expect: payment"), 417),
    ("a dot segment", line("GET /a/../b HTTP/1.1"), 400),
    ("an encoded dot segment", line("GET /a/%2e%2E/b HTTP/1.1"), 400),
    ("an unknown method", line("BREW / HTTP/1.1"), 405),
    ("an asterisk", line("GET * HTTP/1.1"), 400),
]
KEEPS = {200, 405}
"""What is answered by the routes leaves the connection open, dot segments too."""


@pytest.fixture
def served_limits(serve: Serve) -> Iterator[int]:
    """The port of a server with small limits."""
    with serve(make_app(), settings=LIMITS) as served:
        yield served.port


@pytest.mark.parametrize(("asked", "status"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_limits_and_syntax(served_limits: int, asked: bytes, status: int) -> None:
    with Connection(served_limits) as client:
        client.send(asked)
        reply = client.reply()
        assert reply.status == status, reply.body
        if status in KEEPS or b"/a/" in asked:
            assert "connection" not in reply
            assert client.get("/").status == 200
        else:
            assert reply["connection"] == "close"
            assert reply["content-type"] == "application/json"
            assert reply.body.startswith(b'{"detail":"')
            assert client.is_over()


PERSISTENCE = [
    ("HTTP/1.1", [], None, True),
    ("HTTP/1.1", ["connection: close"], "close", False),
    ("HTTP/1.1", ["connection: x, Close"], "close", False),
    ("HTTP/1.1", ["connection: keep-alive"], None, True),
    ("HTTP/1.0", [], "close", False),
    ("HTTP/1.0", ["connection: keep-alive"], "keep-alive", True),
    ("HTTP/1.0", ["connection: keep-alive, close"], "close", False),
]


@pytest.mark.parametrize(("version", "sent", "answered", "stays"), PERSISTENCE)
@pytest.mark.parametrize("path", ["/", "/nothing", "/slow"])
def test_persistence(
    served_limits: int,
    version: str,
    sent: list[str],
    answered: str | None,
    stays: bool,
    path: str,
) -> None:
    with Connection(served_limits) as client:
        lines = [f"GET {path} {version}", "host: h", *sent, "", ""]
        client.send("\r\n".join(lines))
        reply = client.reply()
        assert reply.all("connection") == ([] if answered is None else [answered])
        if stays:
            assert client.get("/").status == 200
        else:
            assert client.is_over()


HASTY = Settings(header_timeout=0.1, body_timeout=0.1, write_timeout=0.1, keep_alive_timeout=0.1)


@pytest.fixture
def ticks_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_server, "TICK", 0.02)


@pytest.mark.usefixtures("ticks_fast")
def test_time_outs(serve: Serve) -> None:
    table: list[tuple[bytes, list[int]]] = [
        (b"", []),
        (b"GET / HT", [408]),
        (b"GET / HTTP/1.1\r\nhost: h\r\n", [408]),
        (request("GET", "/"), [200]),
        (request("GET", "/") + b"GET /", [200, 408]),
        (body("content-length: 50"), [408]),
        (body("content-length: 50", then=b"half"), [408]),
        (body("content-length: 50", path="/streamed", then=b"half"), [408]),
        (body("transfer-encoding: chunked", then=b"5\r\nab"), [408]),
        (request("GET", "/slow"), [200]),
    ]
    with serve(make_app(), settings=HASTY) as served, ExitStack() as stack:
        clients = [stack.enter_context(Connection(served.port)) for _ in table]
        for client, (asked, _) in zip(clients, table, strict=True):
            client.send(asked)
        for client, (asked, statuses) in zip(clients, table, strict=True):
            assert [client.reply().status for _ in statuses] == statuses, asked
            assert client.is_over(), asked
            client.socket.close()
        eventually(lambda: served.call(lambda: served.worker.server.connections) == 0)


@pytest.mark.usefixtures("ticks_fast")
def test_a_client_that_does_not_read_is_dropped(serve: Serve) -> None:
    with serve(make_app(), settings=HASTY) as served, Connection(served.port, buffer=4096) as slow:
        slow.send(request("GET", "/big"))
        assert slow.reply("HEAD").status == 200
        eventually(lambda: served.call(lambda: served.worker.server.connections) == 0)
        assert len(slow.rest()) < 20_000_000


def test_connections_beyond_the_limit_wait(serve: Serve) -> None:
    settings = Settings(max_connections=3)
    with serve(make_app(), settings=settings) as served, ExitStack() as stack:
        clients = [stack.enter_context(Connection(served.port)) for _ in range(6)]
        for client in clients:
            client.send(request("GET", "/"))
        for client in clients[:3]:
            assert client.reply().status == 200
        time.sleep(0.05)
        assert served.call(lambda: served.worker.server.connections) == 3
        for done, waiting in zip(clients[:3], clients[3:], strict=True):
            done.socket.close()
            assert waiting.reply().status == 200
