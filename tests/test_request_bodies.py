"""Request bodies, read whole or in pieces, skipped, asked for, broken off."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import BaseModel
from raw_http import Connection, chunked, eventually, request

from covet import Covet, Request
from covet._covet import Settings
from covet.requests import ClientDisconnect

if TYPE_CHECKING:
    from conftest import Serve

JSON = "content-type: application/json"
EXPECT = "expect: 100-continue"


class Item(BaseModel):
    name: str
    price: float = 1.0


class Log:
    """What the handlers of `make_app` saw."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.events: list[str] = []


def make_app(log: Log) -> Covet:
    app = Covet()

    @app.post("/validated")
    async def validated(item: Item) -> Item:
        return item

    @app.post("/whole")
    async def whole(request: Request) -> list[int]:
        first, second = await request.body(), await request.body()
        assert first is second
        return [len(first), sum(first)]

    @app.post("/json")
    async def parsed(request: Request) -> Any:
        return await request.json()

    @app.post("/pieces")
    async def pieces(request: Request) -> int:
        total = 0
        try:
            async for piece in request.stream():
                log.pieces.append(piece)
                total += len(piece)
        except ClientDisconnect:
            log.events.append("disconnect")
            raise
        except asyncio.CancelledError:
            log.events.append("cancelled")
            raise
        return total

    @app.post("/first")
    async def first_piece(request: Request) -> int:
        async for piece in request.stream():
            return len(piece)
        return 0

    @app.post("/ignored")
    async def ignored() -> str:
        return "ignored"

    @app.post("/unread")
    async def unread(request: Request) -> str:
        return "unread"

    @app.post("/twice")
    async def twice(request: Request) -> list[str]:
        async for _ in request.stream():
            pass
        try:
            await request.body()
        except RuntimeError as error:
            return [str(error)]
        return []

    @app.post("/thread")
    def in_thread(item: Item) -> str:
        return item.name

    @app.get("/next")
    async def following() -> str:
        return "next"

    return app


@pytest.fixture
def log() -> Log:
    return Log()


ITEM = b'{"name": "x", "price": 2}'
SHOWN = b'{"name":"x","price":2.0}'

BODIES = [
    ("/validated", request("POST", "/validated", JSON, body=ITEM), 200, SHOWN),
    ("/thread", request("POST", "/thread", JSON, body=ITEM), 200, b'"x"'),
    ("empty", request("POST", "/whole", body=b""), 200, b"[0,0]"),
    ("no length", request("POST", "/whole"), 200, b"[0,0]"),
    ("/whole", request("POST", "/whole", body=b"\1\2\3"), 200, b"[3,6]"),
    ("chunks", chunked("POST", "/whole", b"\1", b"\2\3" * 10), 200, b"[21,51]"),
    ("no chunks", chunked("POST", "/whole"), 200, b"[0,0]"),
    ("trailers", chunked("POST", "/whole", b"\1", trailers="a: b\r\nc: d\r\n"), 200, b"[1,1]"),
    (
        "extensions",
        request("POST", "/whole", "transfer-encoding: chunked")
        + b'1;a=b;c="d"\r\n\1\r\n000;x\r\n\r\n',
        200,
        b"[1,1]",
    ),
    ("/pieces", chunked("POST", "/pieces", b"ab", b"c"), 200, b"3"),
    ("/json", request("POST", "/json", body=b'{"a": [1, null]}'), 200, b'{"a":[1,null]}'),
    ("/twice", request("POST", "/twice", body=b"x"), 200, b'["Stream consumed"]'),
    ("/ignored", request("POST", "/ignored", body=b"GET /smuggled HTTP/1.1"), 200, b'"ignored"'),
    ("/unread", request("POST", "/unread", body=b"GET /smuggled HTTP/1.1"), 200, b'"unread"'),
    ("unread chunks", chunked("POST", "/unread", b"ab", b"c"), 200, b'"unread"'),
    ("nowhere", chunked("POST", "/nowhere", b"ab"), 404, b'{"detail":"Not Found"}'),
    ("GET", request("GET", "/next", body=b"GET /smuggled HTTP/1.1"), 200, b'"next"'),
    ("a method that is not allowed", request("PUT", "/next", body=b"x"), 405, None),
    (
        "invalid",
        request("POST", "/validated", JSON, body=b"{}"),
        422,
        b'{"detail":[{"type":"missing","loc":["body","name"],"msg":"Field required","input":{}}]}',
    ),
    (
        "bad JSON",
        request("POST", "/validated", JSON, body=b"{"),
        422,
        b'{"detail":[{"type":"json_invalid","loc":["body",1],"msg":"JSON decode error",'
        b'"input":{},"ctx":{"error":"Expecting property name enclosed in double quotes"}}]}',
    ),
    (
        "no text",
        request("POST", "/validated", JSON, body=b"\xff\xfe{"),
        400,
        b'{"detail":"There was an error parsing the body"}',
    ),
]


@pytest.mark.parametrize("drips", [False, True], ids=["at-once", "by-byte"])
def test_bodies(serve: Serve, log: Log, drips: bool) -> None:
    with serve(make_app(log)) as served, Connection(served.port) as client:
        for name, asked, status, expected in BODIES:
            (client.drip if drips else client.send)(asked)
            reply = client.reply()
            assert reply.status == status, name
            if expected is not None:
                assert reply.body == expected, name
            # What came of the body, the next request is found.
            assert client.get("/next").body == b'"next"', name


def test_json_that_is_none(serve: Serve, log: Log, caplog: pytest.LogCaptureFixture) -> None:
    with serve(make_app(log)) as served, Connection(served.port) as client:
        for wrong in (b"", b"{", b"\xff", b"nope", b'{"a": 1}x'):
            client.send(request("POST", "/json", body=wrong))
            reply = client.reply()
            assert (reply.status, reply.body) == (500, b"Internal Server Error")
        assert client.get("/next").status == 200
    assert len(caplog.records) == 5
    assert "JSONDecodeError" in caplog.text


def test_pieces_come_as_they_are_sent(serve: Serve, log: Log) -> None:
    with serve(make_app(log)) as served, Connection(served.port) as client:
        client.send(request("POST", "/pieces", "transfer-encoding: chunked"))
        for number in range(5):
            client.send(b"3\r\n%03d\r\n" % number)
            eventually(lambda: len(b"".join(log.pieces)) == 3 * number + 3)  # noqa: B023
        client.send("0\r\n\r\n")
        assert client.reply().body == b"15"
        assert b"".join(log.pieces) == b"000001002003004"


def test_a_large_body_arrives_whole(serve: Serve, log: Log) -> None:
    body = bytes(range(256)) * 40_000
    expected = [len(body), sum(body)]
    with serve(make_app(log)) as served:
        url = f"{served.base_url}/whole"
        assert httpx.post(url, content=body).json() == expected
        assert httpx.post(url, content=iter([body[:1000], body[1000:]])).json() == expected
        text = json.dumps({"name": "x" * 5_000_000})
        answer = httpx.post(
            f"{served.base_url}/validated", content=text, headers={"content-type": "text/json"}
        )
        assert answer.status_code == 422
        answer = httpx.post(f"{served.base_url}/validated", json={"name": "x" * 5_000_000})
        assert len(answer.json()["name"]) == 5_000_000


@pytest.mark.parametrize("path", ["/ignored", "/unread", "/first", "/nowhere"])
def test_a_large_body_nobody_reads(serve: Serve, log: Log, path: str) -> None:
    size = 8 << 20
    with serve(make_app(log)) as served, Connection(served.port) as client:
        client.send(request("POST", path, f"content-length: {size}"))
        if path == "/first":
            client.send("x")
        reply = client.reply()
        assert reply.status == (404 if path == "/nowhere" else 200)
        # The answer came before the body; the connection goes on after it.
        client.send(b"x" * (size - (path == "/first")) + request("GET", "/next"))
        assert client.reply().body == b'"next"'


def test_a_body_that_is_asked_for(serve: Serve, log: Log) -> None:
    with serve(make_app(log)) as served, Connection(served.port) as client:
        for path, expected in [("/validated", SHOWN), ("/pieces", b"25"), ("/whole", b"[25,1841]")]:
            client.send(request("POST", path, JSON, EXPECT, f"content-length: {len(ITEM)}"))
            assert client.reply().status == 100
            client.send(ITEM)
            reply = client.reply()
            assert reply.status == 200
            if path != "/whole":
                assert reply.body == expected
        client.send(request("POST", "/pieces", EXPECT, "transfer-encoding: chunked"))
        assert client.reply().status == 100
        client.send("1\r\nx\r\n0\r\n\r\n")
        assert client.reply().body == b"1"
        assert client.get("/next").status == 200


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [("/nowhere", 5, 404), ("/next", 5, 405), ("/ignored", 5, 200), ("/whole", 50_000_000, 413)],
)
def test_a_body_that_is_refused(
    serve: Serve, log: Log, path: str, length: int, status: int
) -> None:
    with serve(make_app(log)) as served, Connection(served.port) as client:
        client.send(request("POST", path, EXPECT, f"content-length: {length}"))
        reply = client.reply()
        assert (reply.status, reply["connection"]) == (status, "close")
        assert client.is_over()


@pytest.mark.parametrize("path", ["/validated", "/pieces", "/whole", "/thread"])
def test_a_body_that_turns_out_too_large(serve: Serve, log: Log, path: str) -> None:
    with serve(make_app(log), settings=Settings(max_body_size=1000)) as served:
        with Connection(served.port) as client:
            client.send(request("POST", path, JSON, "transfer-encoding: chunked"))
            client.send(b"1f4\r\n" + b"x" * 500 + b"\r\n")
            if path == "/pieces":
                eventually(lambda: len(b"".join(log.pieces)) == 500)
            client.send(b"1f5\r\n" + b"x" * 501 + b"\r\n0\r\n\r\n")
            reply = client.reply()
            assert (reply.status, reply["connection"]) == (413, "close")
            assert client.is_over()
        if path == "/pieces":
            eventually(lambda: log.events != [])
            assert log.events in (["disconnect"], ["cancelled"])


@pytest.mark.parametrize("framing", ["content-length: 1000", "transfer-encoding: chunked"])
def test_a_client_that_leaves_amid_its_body(serve: Serve, log: Log, framing: str) -> None:
    with serve(make_app(log)) as served:
        for path in ("/validated", "/whole", "/ignored", "/pieces"):
            with Connection(served.port) as client:
                client.send(request("POST", path, JSON, framing))
                client.send("3\r\nabc")
                if path == "/pieces":
                    eventually(lambda: log.pieces != [])
        eventually(lambda: served.call(lambda: served.worker.server.connections) == 0)
        eventually(lambda: log.events != [])
        assert log.events in (["disconnect"], ["cancelled"])
        with Connection(served.port) as client:
            assert client.get("/next").status == 200


def test_tiny_chunks_are_put_together(serve: Serve) -> None:
    app = Covet()

    @app.post("/")
    async def count(request: Request) -> list[int]:
        await go.wait()
        sizes = [len(piece) async for piece in request.stream()]
        return [len(sizes), sum(sizes)]

    with serve(app) as served, Connection(served.port) as client:
        go = served.call(asyncio.Event)
        client.send(request("POST", "/", "transfer-encoding: chunked") + b"1\r\nx\r\n" * 30_000)
        eventually(lambda: served.call(lambda: served.worker.server.in_flight) == 1)
        time.sleep(0.2)
        served.call(go.set)
        client.send(b"0\r\n\r\n")
        pieces, size = json.loads(client.reply().body)
        assert size == 30_000
        assert pieces < 100, "one object for each byte"


def test_uploads_at_the_same_time(serve: Serve, log: Log) -> None:
    sizes: list[Any] = []

    def upload(base_url: str, fill: int) -> None:
        body = bytes([fill]) * 3_000_000
        sizes.append(httpx.post(f"{base_url}/whole", content=body, timeout=30).json()[1] / fill)

    with serve(make_app(log)) as served:
        threads = [
            threading.Thread(target=upload, args=(served.base_url, fill)) for fill in range(1, 9)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sizes == [3_000_000] * 8
