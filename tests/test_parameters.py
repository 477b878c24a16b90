"""Parameters and 422 answers: the same requests to FastAPI and to Covet, the same answers.

No `from __future__ import annotations`: the annotations here are values of the test.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import asgi
import fastapi
import pytest
from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from raw_http import Connection, request

import covet

if TYPE_CHECKING:
    from conftest import Serve


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


def even(value: int) -> int:
    if value % 2:
        raise ValueError("must be even")
    return value


SCALARS: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "uuid": UUID,
    "enum": Color,
    "int-enum": Level,
    "date": date,
    "datetime": datetime,
    "time": time,
    "timedelta": timedelta,
    "decimal": Decimal,
    "bytes": bytes,
    "literal": Literal["a", "b"],
    "int-literal": Literal[1, 2],
    "union": int | str,
    "number": int | float,
    "any": Any,
}
"""Types for any source."""

CONSTRAINED: dict[str, tuple[Any, dict[str, Any]]] = {
    "ge": (int, {"ge": 1, "le": 10}),
    "gt": (float, {"gt": 0, "lt": 1.5}),
    "multiple": (int, {"multiple_of": 5}),
    "length": (str, {"min_length": 2, "max_length": 4}),
    "pattern": (str, {"pattern": "^a[0-9]+$"}),
    "strict": (int, {"strict": True}),
    "decimal": (Decimal, {"max_digits": 3, "decimal_places": 1}),
    "no-nan": (float, {"allow_inf_nan": False}),
    "alias": (int, {"alias": "the-alias"}),
    "validation-alias": (int, {"validation_alias": "other"}),
}
"""Types with what `Path()` and `Query()` say about them."""

QUERIES: dict[str, tuple[Any, Any]] = {
    "optional": (int | None, None),
    "default": (int, 7),
    "wrong-default": (int, "seven"),
    "optional-required": (int | None, ...),
    "enum-default": (Color, Color.RED),
    "list": (list[int], ...),
    "list-default": (list[str], ["a", "b"]),
    "list-optional": (list[float] | None, None),
    "set": (set[int], ...),
    "tuple": (tuple[int, str], ...),
    "enums": (list[Color], []),
    "limited": (Annotated[list[int], Field(min_length=2, max_length=3)], ...),
    "checked": (Annotated[int, AfterValidator(even)], ...),
    "stripped": (Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True)], ...),
}
"""Types and defaults of query parameters and headers."""


def shown(value: Any) -> dict[str, str]:
    return {"value": repr(value), "type": type(value).__name__}


def endpoint(annotation: Any, default: Any = ..., name: str = "value") -> Callable[..., Any]:
    """A handler with one parameter."""
    if default is ...:

        async def read(value: Any) -> dict[str, str]:
            return shown(value)
    else:

        async def read(value: Any = default) -> dict[str, str]:
            return shown(value)

    read.__annotations__["value"] = annotation
    return read


class Item(BaseModel):
    name: str = Field(min_length=1)
    price: float
    tags: list[str] = []
    color: Color | None = None
    nested: dict[str, int] = Field(default_factory=dict, alias="inner")


class Account(BaseModel):
    id: UUID
    since: date = date(2020, 1, 1)


def declare(module: Any, app: Any) -> None:
    """The same application for FastAPI and for Covet."""
    for name, annotation in SCALARS.items():
        app.get(f"/path/{name}/{{value}}")(endpoint(annotation))
        app.get(f"/query/{name}")(endpoint(Annotated[annotation, module.Query()]))
        app.get(f"/header/{name}")(endpoint(Annotated[annotation, module.Header()]))
        app.get(f"/cookie/{name}")(endpoint(Annotated[annotation, module.Cookie()]))
        app.post(f"/body/{name}")(endpoint(Annotated[annotation, module.Body()]))
        app.post(f"/embedded/{name}")(endpoint(Annotated[annotation, module.Body(embed=True)]))
    for name, (annotation, options) in CONSTRAINED.items():
        if "alias" not in name:
            app.get(f"/path-of/{name}/{{value}}")(
                endpoint(Annotated[annotation, module.Path(**options)])
            )
        app.get(f"/query-of/{name}")(endpoint(Annotated[annotation, module.Query(**options)]))
        app.get(f"/header-of/{name}")(endpoint(Annotated[annotation, module.Header(**options)]))
    for name, (annotation, default) in QUERIES.items():
        app.get(f"/q/{name}")(endpoint(Annotated[annotation, module.Query()], default))
        app.get(f"/h/{name}")(endpoint(Annotated[annotation, module.Header()], default))
    declare_several(module, app)
    declare_bodies(module, app)


def declare_several(module: Any, app: Any) -> None:
    @app.get("/several/{first}/{second}")
    async def several(
        second: int,
        q: int,
        first: float,
        x_token: Annotated[int, module.Header()],
        session: Annotated[int, module.Cookie()],
        flag: bool = False,
    ) -> list[Any]:
        return [first, second, q, x_token, session, flag]

    @app.get("/path/{rest:path}/end")
    async def rest(rest: str) -> str:
        return rest

    @app.get("/underscores")
    async def underscores(
        as_is: Annotated[str, module.Header(convert_underscores=False)] = "no",
        x_name: Annotated[str, module.Header()] = "no",
    ) -> list[str]:
        return [as_is, x_name]

    @app.get("/factory")
    async def factory(value: Annotated[list[int], module.Query(default_factory=list)]) -> list[int]:
        return value


def declare_bodies(module: Any, app: Any) -> None:
    @app.post("/item")
    async def item(item: Item) -> Any:
        return item.model_dump(mode="json")

    @app.post("/items")
    async def items(items: list[Item]) -> int:
        return len(items)

    @app.post("/optional")
    async def optional(item: Item | None = None) -> Any:
        return None if item is None else item.name

    @app.post("/two")
    async def two(item: Item, account: Account, q: int = 0) -> list[Any]:
        return [item.name, str(account.id), str(account.since), q]

    @app.post("/mixed/{number}")
    async def mixed(number: int, item: Item, note: Annotated[str, module.Body()] = "none") -> Any:
        return [number, item.name, note]

    @app.post("/union")
    async def union(body: Item | Account) -> str:
        return type(body).__name__

    @app.post("/dict")
    async def mapping(body: dict[str, int]) -> dict[str, int]:
        return body

    @app.post("/embed")
    async def embed(item: Annotated[Item, module.Body(embed=True)]) -> str:
        return item.name


TEXTS = [
    "1", "0", "-1", "+1", "01", "-0", "1.0", "1.5", "1.50", "-.5", "5.", "1e3", "1E-2", "1_000",
    "999999999999999999", "9999999999999999999999", "nan", "inf", "-Infinity", "NaN",
    "true", "True", "TRUE", "false", "on", "off", "yes", "no", "y", "t", "f", "2",
    "red", "RED", "blue", "a", "b", "ab", "a1", "abcd", "abcde", "null", "None", " 1", "1 ", " ",
    "6f1e2b9a-3c4d-4e5f-8a6b-7c8d9e0f1a2b", "6F1E2B9A3C4D4E5F8A6B7C8D9E0F1A2B", "{bad-uuid}",
    "2026-11-24", "2026-02-30", "20261124", "1700000000",
    "2026-11-24T01:02:03", "2026-11-24T01:02:03Z", "2026-11-24 01:02:03+02:00", "2026-11-24T25:00",
    "01:02:03", "01:02", "25:00:00", "P1DT2H", "1 days", "3600",
    "ü", "日本", "\U0001f980", "a+b", "a&b=c", "%", "%41", "'\"<>", "\u0663",
]  # fmt: skip
"""Values for everything."""


def rows() -> Iterator[tuple[str, str, list[tuple[str, str]], bytes]]:
    yield from scalar_rows()
    yield from query_rows()
    yield from several_rows()
    yield from body_rows()


Row = tuple[str, str, list[tuple[str, str]], bytes]


def scalar_rows() -> Iterator[Row]:
    for text in TEXTS:
        encoded = quote(text, safe="")
        plain = [("value", text)] if text.isascii() else []
        for name in SCALARS:
            yield "GET", f"/path/{name}/{encoded}", [], b""
            yield "GET", f"/query/{name}?value={encoded}", [], b""
            if plain:
                yield "GET", f"/header/{name}", plain, b""
            if plain and not set(text) & set(" \"';,"):
                yield "GET", f"/cookie/{name}", [("cookie", f"other=1; value={text}")], b""
        for name in CONSTRAINED:
            if "alias" not in name:
                yield "GET", f"/path-of/{name}/{encoded}", [], b""
            key = {"alias": "the-alias", "validation-alias": "other"}.get(name, "value")
            yield "GET", f"/query-of/{name}?{key}={encoded}", [], b""
            if plain:
                yield "GET", f"/header-of/{name}", [(key, text)], b""
        for name in QUERIES:
            yield "GET", f"/q/{name}?value={encoded}", [], b""
    for name in SCALARS:
        yield "GET", f"/query/{name}", [], b""
        yield "GET", f"/header/{name}", [], b""
        yield "GET", f"/cookie/{name}", [], b""
        yield "GET", f"/cookie/{name}", [("cookie", "value")], b""


def query_rows() -> Iterator[Row]:
    strings = [
        "", "value", "value=", "value=1&value=2", "value=1&value=x&value=y", "Value=1",
        "value=1;value=2", "value=%31", "val%75e=1", "value=a%20b", "value=a+b", "value=%ff",
        "value=%", "value=%zz", "&&value=1&&", "=1", "value==1",
        "other=1", "value=1&value=1", "value=1&value=2&value=3&value=4", "value=red&value=blue",
        "value=1&value=", "value=3&value=two", "value[]=1",
    ]  # fmt: skip
    for string in strings:
        for name in QUERIES:
            yield "GET", f"/q/{name}?{string}", [], b""
        for name in ("str", "int", "bool", "any"):
            yield "GET", f"/query/{name}?{string}", [], b""
        yield "GET", f"/factory?{string}", [], b""
        for key in ("alias", "validation-alias"):
            yield "GET", f"/query-of/{key}?{string}", [], b""
    headers = [[], ["1"], ["1", "2"], ["1, 2"], [""], ["red", "x"], ["4"], [" 4 "], ["\u00fc"]]
    for values in headers:
        for name in QUERIES:
            yield "GET", f"/h/{name}", [("Value", value) for value in values], b""


def several_rows() -> Iterator[Row]:
    good = [("x-token", "1"), ("cookie", "session=2")]
    yield "GET", "/several/1/2?q=3", good, b""
    yield "GET", "/several/1/2?q=3&flag=yes", good, b""
    yield "GET", "/several/x/y?q=z&flag=w", [("x-token", "t"), ("cookie", "session=c")], b""
    yield "GET", "/several/x/2", [], b""
    yield "GET", "/several/1/2", [("x-token", "1")], b""
    yield "GET", "/several/1/2?q=3", [("x_token", "1"), ("cookie", "session=1")], b""
    yield "GET", "/several/1/2?q=3", [*good, ("x-token", "5"), ("cookie", "session=6")], b""
    yield "GET", "/several/1/2?q=3", [("x-token", "1"), ("cookie", "session=1; session=2")], b""
    yield "GET", "/several/1/2?q=3", [("x-token", "1"), ("cookie", 'session="3"')], b""
    yield "GET", "/several/1/2/", good, b""
    yield "GET", "/path/a/b/c/end", [], b""
    yield "GET", "/path/a%2Fb/end", [], b""
    yield "GET", "/underscores", [("as_is", "yes"), ("x-name", "yes")], b""
    yield "GET", "/underscores", [("as-is", "yes"), ("x_name", "yes")], b""


UUID_TEXT = "6f1e2b9a-3c4d-4e5f-8a6b-7c8d9e0f1a2b"
ITEM = {"name": "x", "price": 2.5, "tags": ["a"], "color": "red", "inner": {"a": 1}}
ACCOUNT = {"id": UUID_TEXT, "since": "2026-11-24"}
DOCUMENTS: list[Any] = [
    ITEM,
    ACCOUNT,
    {},
    [],
    None,
    1,
    "text",
    True,
    2.5,
    [ITEM, ITEM],
    [ITEM, {}, 1],
    {"item": ITEM},
    {"item": ITEM, "account": ACCOUNT},
    {"item": {}, "account": {}},
    {"item": None, "account": 1, "note": 2},
    {"item": ITEM, "note": "n"},
    {"value": 1},
    {"value": "red"},
    {"value": None},
    {"name": "", "price": "x", "tags": "a", "color": "green", "inner": {"a": "b"}},
    {"name": "x", "price": "2.5", "tags": [1], "inner": {"a": "1"}},
    {"name": "x", "price": 1, "nested": {"a": 1}, "extra": 1},
    {"name": "ü\u2028\U0001f980", "price": 1e308},
    {"name": None, "price": None, "tags": None},
    {"a": 1, "b": "2", "c": 3.0},
    {"a": 1.5, "b": "x", "c": None},
    {"id": "no", "since": "yesterday"},
    {"id": UUID_TEXT, "since": 0},
]
RAW = [
    b"",
    b"{",
    b"[1,",
    b"nope",
    b'{"name": "x", "price": 1,}',
    b"{'name': 'x'}",
    b'{"name": "x", "price": NaN}',
    b'{"name": "x", "price": Infinity}',
    b'{"name": "x", "price": 1} trailing',
    b'{"name": "a", "name": "b", "price": 1}',
    b'\xef\xbb\xbf{"name": "x", "price": 1}',
    b'{"name": "\xff", "price": 1}',
    b'{"name": "\\ud800", "price": 1}',
    b'{"name": "\\u0000", "price": 1}',
    b"\xff\xfe",
    "{\"name\": \"x\", \"price\": 1}".encode("utf-16"),
    b"  \n",
    b"1" * 400,
    b"-",
    b'"',
    b"[" * 300 + b"]" * 300,
]  # fmt: skip
BODIES = ["item", "items", "optional", "two", "mixed/1", "mixed/x", "union", "dict", "embed"]
TYPES = [
    [],
    [("content-type", "text/plain")],
    [("content-type", "application/json; charset=utf-8")],
    [("content-type", "APPLICATION/JSON")],
    [("content-type", "application/problem+json")],
    [("content-type", "application/jsonp")],
    [("content-type", "json")],
    [("content-type", "")],
    [("content-type", "multipart/form-data; boundary=x")],
]


def body_rows() -> Iterator[Row]:
    json_type = [("content-type", "application/json")]
    texts = [*(json.dumps(document).encode() for document in DOCUMENTS), *RAW]
    for text in texts:
        for path in BODIES:
            yield "POST", f"/{path}", json_type, text
        for name in ("int", "str", "enum", "bool", "union", "any", "date"):
            yield "POST", f"/body/{name}", json_type, text
            yield "POST", f"/embedded/{name}", json_type, text
    for headers in TYPES:
        for text in (json.dumps(ITEM).encode(), b"a=b", b""):
            for path in ("item", "optional", "two", "embed", "body/bytes", "body/str"):
                yield "POST", f"/{path}", headers, text


@pytest.fixture(scope="module")
def theirs() -> fastapi.FastAPI:
    app = fastapi.FastAPI()
    declare(fastapi, app)
    return app


def read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def test_a_query_that_is_not_encoded_is_utf8(serve: "Serve") -> None:
    """Unlike Starlette, which reads it as Latin-1: curl sends what is typed."""
    app = covet.Covet()

    @app.get("/")
    async def both(q: str, request: covet.Request) -> list[str]:
        return [q, request.query_params["q"]]

    with serve(app) as served, Connection(served.port) as client:
        assert json.loads(client.get("/?q=\u00fc\U0001f980").body) == ["\u00fc\U0001f980"] * 2


def test_same_as_fastapi(serve: "Serve", theirs: fastapi.FastAPI) -> None:
    app = covet.Covet()
    declare(covet, app)
    table = list(rows())
    assert len(table) > 5000

    async def all_of_theirs() -> list[tuple[int, Any]]:
        replies = []
        for method, target, headers, body in table:
            reply = await asgi.ask(theirs, method, target, headers, body)
            replies.append((reply.status, read(reply.body)))
        return replies

    expected = asyncio.run(all_of_theirs())
    different: list[str] = []
    failing: list[int] = []
    with serve(app) as served, Connection(served.port) as client:
        for (method, target, headers, body), theirs_was in zip(table, expected, strict=True):
            lines = [f"{name}: {value}" for name, value in headers]
            client.send(request(method, target, *lines, body=body or None))
            reply = client.reply()
            ours_was = (reply.status, read(reply.body))
            if theirs_was[0] == 500:
                # FastAPI cannot show what it refuses where that is not text; Covet can.
                failing.append(ours_was[0])
            elif ours_was != theirs_was:
                asked = f"{method} {target} {headers} {body!r}"
                different.append(f"{asked}\n  theirs {theirs_was}\n  ours   {ours_was}")
    assert not different, f"{len(different)} of {len(table)} differ:\n" + "\n".join(different)
    assert set(failing) == {422}
    assert len(failing) < 50
