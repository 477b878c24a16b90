"""The request over a scope, compared with Starlette's; its body over a scripted channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import starlette.requests as theirs
from hypothesis import given
from hypothesis import strategies as st

import covet.requests as ours
from covet import Covet, Request
from covet.requests import ClientDisconnect, cookie_parser


def scope(**given: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/items/3",
        "query_string": b"q=1&q=2",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("10.0.0.1", 4711),
        "headers": [(b"host", b"example.org"), (b"cookie", b"a=1; b=2"), (b"cookie", b'a="3"')],
        "path_params": {"item": 3},
        **given,
    }


READS: list[Callable[[Any], Any]] = [
    lambda r: r.method,
    lambda r: str(r.url),
    lambda r: str(r.base_url),
    lambda r: r.headers.items(),
    lambda r: r.query_params.multi_items(),
    lambda r: r.path_params,
    lambda r: r.cookies,
    lambda r: (r.client, r.client.host),
    sorted,
    lambda r: r["path"],
    len,
]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("given", [{}, {"root_path": "/api"}, {"app_root_path": "/x/"}], ids=str)
def test_reads_like_starlette(read: Callable[[Any], Any], given: dict[str, Any]) -> None:
    assert read(ours.Request(scope(**given))) == read(theirs.Request(scope(**given)))


@given(st.text(alphabet='ab=;, "\\\t012é', max_size=25))
def test_cookies_of_any_text(header: str) -> None:
    assert cookie_parser(header) == theirs.cookie_parser(header)


def test_no_client_on_a_unix_socket() -> None:
    assert Request(scope(client=None)).client is None


def test_requests_are_equal_to_themselves_only() -> None:
    shared = scope()
    request = Request(shared)
    assert request != Request(shared)
    assert {request: 1}[request] == 1


def test_state_is_kept_in_the_scope() -> None:
    shared = scope(state={"db": "pool"})
    Request(shared).state.user = "me"
    assert (Request(shared).state.db, shared["state"]["user"]) == ("pool", "me")
    assert not Request(scope()).state


def test_app_and_url_for() -> None:
    app = Covet()

    @app.get("/items/{item}", name="item")
    def item(item: int) -> None: ...

    request = Request(scope(app=app))
    assert request.app is app
    assert str(request.url_for("item", item=5)) == "http://example.org/items/5"
    with pytest.raises(RuntimeError):
        Request(scope()).url_for("item", item=5)


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_only_http_is_a_request(kind: str) -> None:
    with pytest.raises(ValueError, match=kind):
        Request(scope(type=kind))


class Channel:
    """An ASGI receive channel that gives these messages, then waits."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)

    async def __call__(self) -> dict[str, Any]:
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)


def piece(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


GONE = {"type": "http.disconnect"}


async def test_stream() -> None:
    request = Request(scope(), Channel(piece(b"a"), piece(b""), piece(b"b", more=False)))
    assert [chunk async for chunk in request.stream()] == [b"a", b"b", b""]
    with pytest.raises(RuntimeError, match="Stream consumed"):
        await anext(request.stream())


async def test_body_is_read_once_and_can_be_streamed_again() -> None:
    request = Request(scope(), Channel(piece(b"a"), piece(b"b", more=False)))
    assert await request.body() == b"ab"
    assert await request.body() == b"ab"
    assert [chunk async for chunk in request.stream()] == [b"ab", b""]


async def test_json() -> None:
    request = Request(scope(), Channel(piece(b'{"a": [1, 2.5, null]}', more=False)))
    parsed = await request.json()
    assert parsed == {"a": [1, 2.5, None]}
    assert await request.json() is parsed


async def test_json_that_is_null_is_read_once() -> None:
    request = Request(scope(), Channel(piece(b"null", more=False)))
    assert await request.json() is None
    assert await request.json() is None


async def test_json_is_refused_as_the_standard_library_does() -> None:
    request = Request(scope(), Channel(piece(b"{", more=False)))
    with pytest.raises(json.JSONDecodeError):
        await request.json()


async def test_a_client_that_leaves() -> None:
    request = Request(scope(), Channel(piece(b"a"), GONE))
    with pytest.raises(ClientDisconnect):
        await request.body()
    assert await request.is_disconnected()


async def test_is_disconnected_does_not_wait_and_loses_nothing() -> None:
    request = Request(scope(), Channel(piece(b"a", more=False)))
    assert not await request.is_disconnected()
    assert not await request.is_disconnected()
    assert await request.body() == b"a"
    assert not await request.is_disconnected()


async def test_is_disconnected_sees_it() -> None:
    assert await Request(scope(), Channel(GONE)).is_disconnected()


async def test_without_a_channel() -> None:
    with pytest.raises(RuntimeError, match="Receive channel"):
        await Request(scope()).body()
