"""Pipelined requests: run concurrently, answered in order, however they arrive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from raw_http import Connection, chunked, eventually, request

from covet import Covet, HTTPException, Request
from covet._loop import LoopName
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve


class Meeting:
    """Lets its guests go once all of them have come: they can only come concurrently."""

    def __init__(self, guests: int) -> None:
        self.came: list[int] = []
        self._guests = guests
        self._complete = asyncio.Event()

    async def join(self, number: int) -> None:
        self.came.append(number)
        if len(self.came) == self._guests:
            self._complete.set()
        await self._complete.wait()


def make_app(meeting: Meeting) -> Covet:
    app = Covet()

    @app.get("/fast/{number}")
    async def fast(number: int) -> int:
        return number

    @app.get("/thread/{number}")
    def thread(number: int) -> dict[str, int]:
        return {"thread": number}

    @app.get("/inline/{number}", sync="inline")
    def inline(number: int) -> str:
        return threading.current_thread().name and f"inline {number}"

    @app.get("/meet/{number}")
    async def meet(number: int) -> dict[str, int]:
        await meeting.join(number)
        # Those who came first leave last.
        await asyncio.sleep(0.002 * (64 - number) / 64)
        return {"met": number}

    @app.get("/stream/{number}")
    async def stream(number: int) -> StreamingResponse:
        async def pieces() -> AsyncIterator[str]:
            for piece in range(3):
                await asyncio.sleep(0)
                yield f"{number}.{piece} "

        return StreamingResponse(pieces())

    @app.get("/error/{number}")
    async def error(number: int) -> None:
        raise HTTPException(418, f"error {number}")

    @app.post("/echo")
    async def echo(request: Request) -> bytes:
        return await request.body()

    @app.post("/validated/{number}")
    async def validated(number: int, body: dict[str, int]) -> int:
        return number + body["more"]

    return app


JSON = "content-type: application/json"
KINDS = 9


def ask(number: int) -> tuple[str, bytes]:
    """One of 64 requests of every kind, and its method."""
    kinds = [
        request("GET", f"/fast/{number}"),
        request("GET", f"/meet/{number}"),
        request("GET", f"/thread/{number}"),
        request("GET", f"/stream/{number}"),
        request("GET", f"/error/{number}"),
        request("HEAD", f"/fast/{number}"),
        request("GET", f"/nothing/{number}"),
        request("POST", f"/validated/{number}", JSON, body=b'{"more": 1000}'),
        chunked("POST", "/echo", b"chunk", b" of ", str(number).encode()),
    ]
    kind = number % KINDS
    return ("HEAD" if kind == 5 else "GET"), kinds[kind]


def answer(number: int) -> tuple[int, bytes]:
    kinds = [
        (200, b"%d" % number),
        (200, b'{"met":%d}' % number),
        (200, b'{"thread":%d}' % number),
        (200, b"%d.0 %d.1 %d.2 " % (number, number, number)),
        (418, b'{"detail":"error %d"}' % number),
        (200, b""),
        (404, b'{"detail":"Not Found"}'),
        (200, b"%d" % (number + 1000)),
        (200, b"chunk of %d" % number),
    ]
    return kinds[number % KINDS]


@pytest.mark.parametrize("drips", [False, True], ids=["at-once", "by-byte"])
def test_64_requests_of_all_kinds(serve: Serve, loop_name: LoopName, drips: bool) -> None:
    meeting = Meeting(sum(number % KINDS == 1 for number in range(64)))
    asked = [ask(number) for number in range(64)]
    with serve(make_app(meeting), loop=loop_name) as served, Connection(served.port) as client:
        (client.drip if drips else client.send)(b"".join(text for _, text in asked))
        for number, (method, _) in enumerate(asked):
            reply = client.reply(method)
            expected = answer(number)
            if expected[1].startswith(b"chunk"):
                expected = (200, b'"%b"' % expected[1])
            assert (reply.status, reply.body) == expected, f"response {number}"
        assert meeting.came == [number for number in range(64) if number % KINDS == 1]
        assert client.get("/fast/64").body == b"64"


def test_a_corpus_split_everywhere(serve: Serve) -> None:
    corpus = [
        (request("GET", "/fast/1"), b"1"),
        (request("POST", "/validated/1", JSON, body=b'{"more": 2}'), b"3"),
        (chunked("POST", "/echo", b"ab", b"c", trailers="a: b\r\n"), b'"abc"'),
    ]
    text = b"".join(asked for asked, _ in corpus)
    with serve(make_app(Meeting(1))) as served, Connection(served.port) as client:
        for position in range(1, len(text)):
            client.send(text[:position])
            # An answer of another connection: the server has seen what came before it.
            if position % 16 == 0:
                with Connection(served.port) as other:
                    other.get("/fast/0")
            client.send(text[position:])
            for _, expected in corpus:
                assert client.reply().body == expected, f"split at {position}"


def test_what_follows_a_request_may_be_no_request(serve: Serve) -> None:
    with serve(make_app(Meeting(1))) as served, Connection(served.port) as client:
        client.send(request("GET", "/meet/1") + b"\x16\x03\x01 no HTTP\r\n\r\n")
        assert client.reply().body == b'{"met":1}'
        reply = client.reply()
        assert (reply.status, reply["connection"]) == (400, "close")
        assert client.is_over()


def test_a_client_that_closes_its_side_gets_what_is_ready(serve: Serve) -> None:
    with serve(make_app(Meeting(1))) as served, Connection(served.port) as client:
        client.send(b"".join(request("GET", f"/fast/{number}") for number in range(500)))
        client.half_close()
        for number in range(500):
            assert client.reply().body == b"%d" % number
        assert client.is_over()


def test_a_client_that_leaves_cancels_all_its_requests(serve: Serve) -> None:
    app, log = Covet(), []

    @app.get("/hang/{number}")
    async def hang(number: int) -> None:
        log.append(number)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            log.append(-number)
            raise

    with serve(app) as served:
        # More than may be outstanding: the rest is never read.
        with Connection(served.port) as client:
            client.send(b"".join(request("GET", f"/hang/{number}") for number in range(1, 101)))
            eventually(lambda: len(log) == 64, "64 handlers")
        eventually(lambda: len(log) == 128, "64 cancellations")
        assert sorted(log[64:]) == sorted(-number for number in log[:64])
        eventually(lambda: served.call(lambda: served.worker.server.connections) == 0)
