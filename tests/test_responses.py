"""Responses are compared with Starlette's; streaming by what arrives and what is closed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import starlette.responses as theirs

import covet.responses as ours
from covet.responses import JSONResponse, Response, StreamingResponse

MOMENT = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def seen(response: Any) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    return response.status_code, response.raw_headers, bytes(response.body)


def with_cookie(**options: Any) -> Callable[[Any], Any]:
    def make(module: Any) -> Any:
        response = module.Response()
        response.set_cookie("key", "a b;\u00e9", **options)
        return response

    return make


def forgetting(module: Any) -> Any:
    response = module.Response()
    response.delete_cookie("key", path="/x", domain="example.org", secure=True)
    return response


CASES: list[Callable[[Any], Any]] = [
    lambda m: m.Response(),
    lambda m: m.Response("ü"),
    lambda m: m.Response(b"\xff", media_type="image/png"),
    lambda m: m.Response(memoryview(b"ab")),
    lambda m: m.Response(memoryview(b"abcd")[::2]),
    lambda m: m.Response("x", 201, {"X-A": "1", "Content-Type": "a/b"}),
    lambda m: m.Response("x", headers={"content-length": "7"}),
    lambda m: m.Response("x", media_type="text/csv"),
    lambda m: m.Response("x", media_type="text/csv; charset=latin-1"),
    lambda m: m.Response(status_code=204),
    lambda m: m.Response(status_code=304),
    lambda m: m.Response(status_code=205),
    lambda m: m.PlainTextResponse("hällo", 404),
    lambda m: m.HTMLResponse("<p>"),
    lambda m: m.JSONResponse({"a": [1, 2.5, None, True, "ü"]}),
    lambda m: m.JSONResponse(None, 201, {"x": "y"}),
    lambda m: m.JSONResponse("x", media_type="application/problem+json"),
    lambda m: m.RedirectResponse("/a b?c=ü#d"),
    lambda m: m.RedirectResponse("https://x.org/", 303, {"a": "b"}),
    with_cookie(),
    with_cookie(max_age=0, path=None, samesite=None),
    with_cookie(max_age=10, domain="example.org", secure=True, httponly=True, samesite="none"),
    with_cookie(expires=MOMENT),
    with_cookie(expires="Mon, 23 Nov 2026 12:30:00 GMT"),
]


@pytest.mark.parametrize("make", CASES)
def test_same_as_starlette(make: Callable[[Any], Any]) -> None:
    assert seen(make(ours)) == seen(make(theirs))


def test_delete_cookie() -> None:
    def without_date(headers: list[tuple[bytes, bytes]]) -> bytes:
        parts = dict(headers)[b"set-cookie"].split(b"; ")
        return b"; ".join(part for part in parts if not part.startswith(b"expires="))

    assert without_date(forgetting(ours).raw_headers) == without_date(
        forgetting(theirs).raw_headers
    )


def test_cookies_with_impossible_attributes() -> None:
    with pytest.raises(ValueError, match="samesite"):
        Response().set_cookie("a", samesite="often")  # type: ignore[arg-type]


def test_headers_are_shared_with_the_raw_ones() -> None:
    response = Response("x")
    response.headers["x-a"] = "1"
    del response.headers["content-length"]
    assert response.raw_headers == [(b"x-a", b"1")]


def test_subclass_sets_media_type_and_rendering() -> None:
    class Shouting(Response):
        media_type = "text/loud"

        def render(self, content: Any) -> bytes:
            return str(content).upper().encode()

    response = Shouting("hi")
    assert response.body == b"HI"
    assert response.headers["content-type"] == "text/loud; charset=utf-8"


def test_json_takes_what_the_engine_takes() -> None:
    body = JSONResponse({"day": date(2026, 11, 23)}).body
    assert body == b'{"day":"2026-11-23"}'


async def collect(response: StreamingResponse) -> list[bytes]:
    sent: list[bytes] = []

    async def send(chunk: bytes) -> None:
        sent.append(chunk)

    await response.stream_to(send)
    return sent


async def test_streams_an_async_iterator() -> None:
    async def rows() -> AsyncIterator[Any]:
        yield "ü"
        yield b"b"
        yield bytearray(b"c")
        yield memoryview(b"d")

    response = StreamingResponse(rows(), media_type="text/plain")
    assert response.raw_headers == [(b"content-type", b"text/plain; charset=utf-8")]
    assert await collect(response) == [b"\xc3\xbc", b"b", b"c", b"d"]


async def test_advances_a_plain_iterator_in_a_thread() -> None:
    threads = set()

    def rows() -> Iterator[str]:
        threads.add(threading.current_thread())
        yield "a"
        yield "b"

    assert await collect(StreamingResponse(rows())) == [b"a", b"b"]
    assert threading.current_thread() not in threads


async def test_closes_an_async_iterator_when_sending_fails() -> None:
    closed = []

    async def rows() -> AsyncIterator[str]:
        try:
            yield "a"
        finally:
            closed.append(True)

    async def send(chunk: bytes) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await StreamingResponse(rows()).stream_to(send)
    assert closed


async def test_closes_a_blocked_generator_after_its_step() -> None:
    """A generator that runs in a thread cannot be closed until that step is over."""
    blocked, release, closed = threading.Event(), threading.Event(), threading.Event()

    def rows() -> Iterator[str]:
        try:
            blocked.set()
            release.wait(5)
            yield "a"
        finally:
            closed.set()

    task = asyncio.create_task(collect(StreamingResponse(rows())))
    await asyncio.to_thread(blocked.wait, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not closed.is_set()
    release.set()
    assert await asyncio.to_thread(closed.wait, 5)


async def test_an_error_in_the_iterator_reaches_the_caller() -> None:
    def rows() -> Iterator[str]:
        yield "a"
        raise KeyError("broken")

    with pytest.raises(KeyError, match="broken"):
        await collect(StreamingResponse(rows()))
