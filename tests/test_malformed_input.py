"""Thousands of connections with nonsense, after which the server is as it was before."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from raw_http import Connection, chunked, eventually, request

from covet import Covet, Request
from covet._covet import Settings
from covet._loop import LoopName
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve

SEED = 20261124
CONNECTIONS = 3000
AT_A_TIME = 100


def make_app() -> Covet:
    app = Covet()

    @app.get("/")
    async def root(q: str = "") -> str:
        return q

    @app.get("/suspended/{number}")
    async def suspended(number: int) -> int:
        await asyncio.sleep(0.001)
        return number

    @app.get("/thread")
    def thread() -> None:
        return None

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"x" * 1000] * 5))

    @app.post("/json")
    async def parsed(body: dict[str, Any]) -> dict[str, Any]:
        return body

    @app.post("/body")
    async def body(request: Request) -> int:
        return len([piece async for piece in request.stream()])

    return app


JSON = "content-type: application/json"
VALID = [
    request("GET", "/?q=abc", "cookie: a=b; c=d", "accept: */*"),
    request("GET", "/suspended/1"),
    request("GET", "/thread", "connection: close"),
    request("HEAD", "/stream"),
    request("GET", "/stream"),
    request("POST", "/json", JSON, body=b'{"a": [1, 2.5, "x"], "b": null}'),
    chunked("POST", "/body", b"abc", b"d" * 100, trailers="x: y\r\n"),
    request("POST", "/body", "expect: 100-continue", body=b"x" * 50),
    request("OPTIONS", "*"),
    request("GET", "/nothing"),
]
SPICE = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b"%", b"%0d%0a", b"\xff", b"../", b"//",
    b"HTTP/1.1", b"HTTP/9.9", b"GET ", b"content-length: 5\r\n", b"content-length: -1\r\n",
    b"transfer-encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"expect: 100-continue\r\n",
    b"connection: close\r\n", b"host: x\r\n", b"ffffffffffffffff\r\n", b"0\r\n\r\n",
    b"upgrade: h2c\r\n", b"{" * 50, b"x" * 5000,
]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """Valid requests with a few things changed."""
    text = bytearray(b"".join(chance.choices(VALID, k=chance.randint(1, 4))))
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(text) + 1)
        kind = chance.randrange(5)
        if kind == 0:
            text[at:at] = chance.choice(SPICE)
        elif kind == 1:
            del text[at : at + chance.randint(1, 20)]
        elif kind == 2 and at < len(text):
            text[at] = chance.randrange(256)
        elif kind == 3:
            del text[at:]
        else:
            end = at + chance.randint(1, 40)
            text[at:at] = text[at:end]
        if not text:
            break
    return bytes(text)


def nonsense(chance: random.Random) -> Iterator[bytes]:
    """What one client sends, piece by piece."""
    kind = chance.randrange(10)
    text = chance.randbytes(chance.randint(0, 3000)) if kind == 0 else mutated(chance)
    if kind < 7:
        yield text
        return
    while text:
        size = chance.randint(1, 1 + len(text) // chance.randint(1, 10))
        yield text[:size]
        text = text[size:]


def talk(port: int, chance: random.Random) -> None:
    """A hundred clients at a time, which send, read a little or nothing, and go."""
    clients = []
    for _ in range(AT_A_TIME):
        client = socket.create_connection(("127.0.0.1", port))
        client.setblocking(False)
        clients.append((client, list(nonsense(chance))))
    for turn in range(max(len(pieces) for _, pieces in clients)):
        for client, pieces in clients:
            try:
                if turn < len(pieces):
                    client.send(pieces[turn])
                elif chance.random() < 0.3:
                    client.recv(65536)
                elif chance.random() < 0.1:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                continue
    for client, _ in clients:
        if chance.random() < 0.2:
            # Resets the connection instead of closing it.
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.close()


def test_nonsense(serve: Serve, loop_name: LoopName, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings(max_body_size=10_000, max_head_size=4000, max_connections=500)
    chance = random.Random(SEED)
    with serve(make_app(), settings=settings, loop=loop_name) as served:
        for _ in range(CONNECTIONS // 2 // AT_A_TIME):
            talk(served.port, chance)
            with Connection(served.port) as client:
                assert client.get("/?q=alive").body == b'"alive"'
        eventually(lambda: served.call(lambda: served.worker.server.connections) == 0)
        assert served.call(lambda: served.worker.server.in_flight) == 0
        for asked in (request("GET", "/suspended/7"), request("GET", "/thread"), VALID[5]):
            with Connection(served.port) as client:
                client.send(asked)
                assert client.reply().status == 200
    unexpected = [record for record in caplog.records if not is_of_the_client(record)]
    assert unexpected == [], caplog.text


def is_of_the_client(record: Any) -> bool:
    """Whether a logged exception only says that the client broke off its own body."""
    return bool(record.exc_info) and record.exc_info[0].__name__ == "ClientDisconnect"
