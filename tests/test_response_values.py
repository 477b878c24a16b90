"""What handlers return and raise, compared with FastAPI; and what must never reach a client.

No `from __future__ import annotations`: the annotations here are values of the test.
"""

import asyncio
import dataclasses
import json
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asgi
import fastapi
import fastapi.responses
import pytest
from pydantic import BaseModel, Field
from raw_http import Connection, Reply

import covet
import covet.responses

if TYPE_CHECKING:
    from conftest import Serve


class Color(Enum):
    RED = "red"


class Model(BaseModel):
    name: str = "x"
    when: datetime = datetime(2026, 11, 24, tzinfo=UTC)
    by_alias: int = Field(1, alias="byAlias")
    none: int | None = None


class Child(Model):
    secret: str = "hidden"


@dataclasses.dataclass
class Point:
    x: int = 1
    y: float = 2.5


class Plain:
    def __init__(self) -> None:
        self.a, self.b = 1, "two"


VALUES: list[Any] = [
    None, True, False, 0, -1, 2**53, 2**70, 1.5, -0.0, 1e300, 1e-7, "", "text", "ü\u2028\x00\"\\",
    [], {}, [1, "a", None], {"a": {"b": [1]}}, {1: "int", None: "none", 2.5: "x", False: "f"},
    (1, 2), {3}, frozenset({4}), range(3), b"bytes",
    Color.RED, [Color.RED], {"k": Color.RED}, UUID(int=5), Decimal("1.50"), Decimal("3"),
    date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5, 6), datetime(2026, 1, 2, tzinfo=UTC),
    time(1, 2, 3), timedelta(hours=1, microseconds=1), PurePosixPath("/a/b"),
    Model(), [Model(), Child()], {"model": Model()}, Point(), [Point()], Plain(),
    float("nan"), float("inf"),
]  # fmt: skip
"""What is returned as it is, with no declared type."""

MODELS: list[tuple[Any, dict[str, Any], Any]] = [
    (Model, {}, Child()),
    (Model, {}, {"name": "dict", "byAlias": 2}),
    (list[Model], {}, [Child(), {"name": "y"}]),
    (Model, {"response_model_exclude_none": True}, Model()),
    (Model, {"response_model_exclude_unset": True}, Model(name="set")),
    (Model, {"response_model_exclude_defaults": True}, Model(name="set")),
    (Model, {"response_model_include": {"name"}}, Model()),
    (Model, {"response_model_exclude": {"when"}}, Model()),
    (Model, {"response_model_by_alias": False}, Model()),
    (Model, {}, {"name": 1}),
    (int, {}, "12"),
    (int, {}, "x"),
    (list[int], {}, ["1", 2]),
    (dict[str, Point], {}, {"a": Point()}),
    (Point, {}, {"x": "1", "y": 2}),
    (Model | None, {}, None),
    (str, {"status_code": 201}, "created"),
    (None, {"status_code": 204}, None),
]
"""Response models, options of the route, values."""


def returning(value: Any) -> Callable[..., Any]:
    async def handler() -> Any:
        return value

    return handler


def returning_from_thread(value: Any) -> Callable[..., Any]:
    def handler() -> Any:
        return value

    return handler


def declare(module: Any, app: Any) -> list[str]:
    """The same routes for FastAPI and for Covet; returns their paths."""
    for number, value in enumerate(VALUES):
        app.get(f"/async/{number}")(returning(value))
        app.get(f"/thread/{number}")(returning_from_thread(value))
    for number, (model, options, value) in enumerate(MODELS):
        app.get(f"/model/{number}", response_model=model, **options)(returning(value))
    for number, make in enumerate(RESPONSES):
        app.get(f"/response/{number}")(making(make, module.responses))
    for number, (name, options, value) in enumerate(CLASSES):
        response_class = getattr(module.responses, name)
        app.get(f"/class/{number}", response_class=response_class, **options)(returning(value))
    for number, make in enumerate(RAISED):
        app.get(f"/raise/{number}")(raising(make, module.HTTPException))
    return [route.path for route in app.routes if route.path.count("/") == 2]


def making(make: Callable[[Any], Any], responses: Any) -> Callable[..., Any]:
    async def handler() -> Any:
        return make(responses)

    return handler


def raising(make: Callable[[Any], BaseException], exception: Any) -> Callable[..., Any]:
    async def handler() -> None:
        raise make(exception)

    return handler


def with_cookies(responses: Any) -> Any:
    response = responses.JSONResponse({"a": 1}, headers={"x-a": "1"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True, max_age=3)
    response.delete_cookie("c")
    return response


RESPONSES: list[Callable[[Any], Any]] = [
    lambda r: r.Response(),
    lambda r: r.Response(b"\xff", media_type="image/png"),
    lambda r: r.Response("text"),
    lambda r: r.Response("x", 299, {"X-Name": "value"}),
    lambda r: r.Response("x", 999),
    lambda r: r.Response(status_code=204),
    lambda r: r.Response(status_code=304, headers={"etag": '"a"'}),
    lambda r: r.Response("x", headers={"content-type": "a/b"}, media_type="c/d"),
    lambda r: r.JSONResponse({"a": [1.5, None]}, 201),
    lambda r: r.JSONResponse("x", media_type="application/problem+json"),
    lambda r: r.PlainTextResponse("ü"),
    lambda r: r.HTMLResponse("<p>"),
    lambda r: r.RedirectResponse("/x?a=b c", 303),
    lambda r: r.StreamingResponse(iter(["a", b"b"]), media_type="text/csv"),
    with_cookies,
]

CLASSES: list[tuple[str, dict[str, Any], Any]] = [
    ("PlainTextResponse", {}, "text"),
    ("PlainTextResponse", {"status_code": 201}, "text"),
    ("HTMLResponse", {}, "<p>ü</p>"),
    ("JSONResponse", {}, {"a": 1}),
    ("JSONResponse", {"status_code": 202}, None),
    ("Response", {}, "text"),
    ("RedirectResponse", {}, "/elsewhere"),
    ("RedirectResponse", {"status_code": 302}, "/elsewhere"),
    ("StreamingResponse", {}, ["a", "b"]),
]

RAISED: list[Callable[[Any], BaseException]] = [
    lambda e: e(404),
    lambda e: e(404, "No such item"),
    lambda e: e(418, {"why": ["teapot"]}),
    lambda e: e(401, "who?", headers={"WWW-Authenticate": "Basic"}),
    lambda e: e(204),
    lambda e: e(304),
    lambda e: e(503, None, {"retry-after": "1"}),
    lambda e: ValueError("secret"),
    lambda e: KeyError("secret"),
]

IGNORED = {"date", "connection", "transfer-encoding"}
"""Headers of the server, not of the framework."""


def compared(reply: Reply) -> tuple[int, list[tuple[str, str]], Any]:
    headers = sorted(pair for pair in reply.headers if pair[0] not in IGNORED)
    if reply.all("content-type") != ["application/json"]:
        return reply.status, headers, reply.body
    # How text is escaped, and so its length, is the serialiser's choice.
    headers = [pair for pair in headers if pair[0] != "content-length"]
    if reply.status == 204:
        # FastAPI names the type of a body that is not there.
        headers.remove(("content-type", "application/json"))
        return reply.status, headers, b""
    return reply.status, headers, repr(json.loads(reply.body))


def test_same_as_fastapi(serve: "Serve", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    theirs, ours = fastapi.FastAPI(openapi_url=None), covet.Covet()
    paths = declare(fastapi, theirs)
    assert declare(covet, ours) == paths

    async def ask_theirs() -> list[Reply]:
        return [await asgi.ask(theirs, "GET", path, [], b"") for path in paths]

    expected = asyncio.run(ask_theirs())
    different = []
    with serve(ours) as served, Connection(served.port) as client:
        for path, reply in zip(paths, expected, strict=True):
            found = compared(client.get(path))
            if found != compared(reply):
                different.append(f"{path}\n  theirs {compared(reply)}\n  ours   {found}")
    assert not different, "\n".join(different)


class Unwritable:
    def __iter__(self) -> Iterator[int]:
        yield 1
        raise ValueError("in the middle")


def with_headers(**headers: str) -> Callable[[], Any]:
    return lambda: covet.Response("x", headers=headers)


def with_raw(name: bytes, value: bytes) -> Callable[[], Any]:
    def make() -> Any:
        response = covet.Response("x")
        response.raw_headers.append((name, value))
        return response

    return make


def cyclic() -> Any:
    circle: list[Any] = []
    circle.append(circle)
    return {"a": "x" * 10_000, "circle": circle}


FAILING: dict[str, Callable[[], Any]] = {
    "a line in a value": with_headers(x="a\r\nset-cookie: evil=1"),
    "a line feed": with_headers(x="a\nb"),
    "a carriage return": with_headers(x="a\rb"),
    "a nul": with_headers(x="a\0b"),
    "a line in a name": with_raw(b"a\r\nb", b"x"),
    "a space in a name": with_raw(b"a b", b"x"),
    "an empty name": with_raw(b"", b"x"),
    "a line in the content type": lambda: covet.Response("x", media_type="a\r\nb: c"),
    "a line in a location": lambda: covet.responses.JSONResponse(1, headers={"location": "/\r\n"}),
    "an interim status": lambda: covet.Response("x", 103),
    "switching protocols": lambda: covet.Response(status_code=101),
    "no status": lambda: covet.Response("x", 0),
    "a status of four digits": lambda: covet.Response("x", 1000),
    "a negative status": lambda: covet.Response("x", -200),
    "a text as status": lambda: covet.Response("x", "200"),  # type: ignore[arg-type]
    "a cycle": cyclic,
    "what JSON cannot hold": lambda: {"a": "x" * 10_000, "b": object()},
    "a failing iterator": lambda: {"a": [1, 2, Unwritable()]},
    "nesting": lambda: json.loads("[" * 5000 + "]" * 5000),
    "an unknown text": lambda: "\ud800",
    "a detail that is no JSON": lambda: raise_(covet.HTTPException(400, object())),
    "a header of an exception": lambda: raise_(covet.HTTPException(400, "x", {"a": "b\r\nc: d"})),
    "a body that is no text": lambda: covet.Response(5),
}


def raise_(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("suspends", [False, True])
def test_nothing_half_made_is_sent(
    serve: "Serve", caplog: pytest.LogCaptureFixture, suspends: bool
) -> None:
    app = covet.Covet()
    for name, make in FAILING.items():
        app.get(f"/{name.replace(' ', '-')}")(failing(make, suspends=suspends))

    with serve(app) as served, Connection(served.port) as client:
        for name in FAILING:
            caplog.clear()
            reply = client.get(f"/{name.replace(' ', '-')}")
            assert (reply.status, reply.body) == (500, b"Internal Server Error"), name
            assert reply.all("set-cookie") == []
            assert len(caplog.records) == 1, name
            assert caplog.records[0].exc_info is not None, "there is no traceback"


def failing(make: Callable[[], Any], *, suspends: bool) -> Callable[..., Any]:
    async def handler() -> Any:
        if suspends:
            await asyncio.sleep(0)
        return make()

    return handler


def test_a_request_cannot_write_into_the_response(serve: "Serve") -> None:
    app = covet.Covet()

    @app.get("/header")
    async def header(value: str) -> covet.Response:
        return covet.Response("x", headers={"x-echo": value})

    @app.get("/cookie")
    async def cookie(value: str) -> covet.Response:
        response = covet.Response("x")
        response.set_cookie("name", value)
        return response

    @app.get("/redirect")
    async def redirect(value: str) -> covet.Response:
        return covet.responses.RedirectResponse(value)

    @app.get("/slash/{name}/")
    async def slash(name: str) -> None:
        return None

    evil = "a%0d%0aset-cookie:%20evil=1%0d%0a%0d%0aHTTP/1.1%20200%20OK"
    with serve(app) as served, Connection(served.port) as client:
        for path in (f"/header?value={evil}", f"/cookie?value={evil}", f"/redirect?value={evil}"):
            reply = client.get(path)
            assert all("evil" not in value for value in reply.all("set-cookie")[1:])
            assert not any(
                name == "set-cookie" and value == "evil=1" for name, value in reply.headers
            )
        reply = client.get(f"/slash/{evil.replace(chr(47), '')}")
        assert reply.status == 307
        assert "\r" not in reply["location"]
        assert reply.all("set-cookie") == []
        assert client.get("/slash/x/").status == 200


def test_the_length_is_the_servers_to_tell(serve: "Serve") -> None:
    app = covet.Covet()
    claims = ["0", "1", "1000", "x", "-1", ""]
    for number, claim in enumerate(claims):
        app.get(f"/{number}")(returning(covet.Response("four", headers={"content-length": claim})))
    own = {"connection": "x", "transfer-encoding": "chunked", "date": "never", "keep-alive": "1"}
    app.get("/own")(returning(covet.Response("four", headers=own)))
    with serve(app) as served, Connection(served.port) as client:
        for number in range(len(claims)):
            reply = client.get(f"/{number}")
            assert (reply["content-length"], reply.body) == ("4", b"four")
        reply = client.get("/own")
        assert reply.body == b"four"
        assert reply["date"] != "never"
        assert not {"connection", "transfer-encoding", "keep-alive"} & dict(reply.headers).keys()


@pytest.mark.parametrize("debug", [False, True])
def test_a_traceback_is_shown_in_debug_only(
    serve: "Serve", caplog: pytest.LogCaptureFixture, debug: bool
) -> None:
    app = covet.Covet(debug=debug)
    app.get("/async")(raising(lambda _: ValueError("secret"), None))

    @app.get("/thread")
    def in_thread() -> None:
        raise ValueError("secret")

    with serve(app) as served, Connection(served.port) as client:
        for path in ("/async", "/thread"):
            caplog.clear()
            reply = client.get(path)
            assert reply.status == 500
            assert (b"secret" in reply.body) is debug
            assert (b"Traceback" in reply.body) is debug
            assert "ValueError: secret" in caplog.text
