"""Routing as a client sees it: methods, paths, redirects, hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from raw_http import Connection, Reply, request

from covet import APIRouter, Covet, Request, Response
from covet.responses import PlainTextResponse, StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve


def make_app() -> Covet:
    app = Covet()

    @app.get("/")
    async def root() -> str:
        return "root"

    @app.get("/items/{item}")
    async def item(item: str) -> str:
        return item

    @app.post("/items/{item}")
    async def create(item: str) -> str:
        return item

    @app.get("/typed/{number:int}")
    async def number(number: int) -> int:
        return number

    @app.get("/typed/{ratio:float}/ratio")
    async def ratio(ratio: float) -> float:
        return ratio

    @app.get("/typed/{id:uuid}/id")
    async def uuid(id: str) -> str:
        return id

    @app.get("/files/{path:path}")
    async def files(path: str) -> str:
        return path

    @app.get("/slash/")
    async def slash() -> str:
        return "slash"

    @app.get("/plain", response_class=PlainTextResponse)
    async def plain() -> str:
        return "plain"

    @app.get("/thread")
    def thread() -> list[int]:
        return [1, 2, 3]

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(iter([b"a", b"b"]))

    @app.get("/response")
    async def response() -> Response:
        return Response("response", 201, {"x-a": "1"})

    @app.head("/own-head")
    async def own_head() -> Response:
        return Response(headers={"x-own": "1"})

    @app.options("/own-options")
    async def own_options() -> str:
        return "mine"

    @app.api_route("/many", methods=["PUT", "PATCH", "DELETE"])
    async def many(request: Request) -> str:
        return request.method

    @app.get("/seen{rest:path}")
    async def seen(request: Request) -> list[str]:
        return [request.url.path, request.scope["raw_path"].decode(), request.url.query]

    api = APIRouter()

    @api.get("/who")
    async def who(request: Request) -> str:
        return request.path_params.get("tenant", "api")

    app.host("api.example.org", api)
    app.host("{tenant}.example.net", api)
    return app


@pytest.fixture
def client(serve: Serve) -> Iterator[Connection]:
    with serve(make_app()) as served, Connection(served.port) as client:
        yield client


def ask(client: Connection, method: str, path: str, *headers: str) -> Reply:
    client.send(request(method, path, *headers))
    return client.reply(method)


PATHS = [
    # Path, status, the value.
    ("/", 200, "root"),
    ("/?", 200, "root"),
    ("/items/a", 200, "a"),
    ("/items/a%20b", 200, "a b"),
    ("/items/a+b", 200, "a+b"),
    ("/items/%E6%97%A5%E6%9C%AC", 200, "日本"),
    ("/items/日本", 200, "日本"),
    ("/items/%C3", 200, "\N{REPLACEMENT CHARACTER}"),
    ("/items/%2541", 200, "%41"),
    ("/items/%zz", 200, "%zz"),
    ("/items/100%", 200, "100%"),
    ("/items/a;v=1", 200, "a;v=1"),
    ("/items/a%3Fb%23c", 200, "a?b#c"),
    ("/items/a%2Fb", 404, None),
    ("/items/", 404, None),
    ("/items//a", 404, None),
    ("//items/a", 404, None),
    ("/Items/a", 404, None),
    ("/typed/42", 200, 42),
    ("/typed/-1", 404, None),
    ("/typed/x", 404, None),
    ("/typed/1.5/ratio", 200, 1.5),
    ("/typed/1e5/ratio", 404, None),
    ("/typed/6f1e2b9a3c4d4e5f8a6b7c8d9e0f1a2b/id", 200, "6f1e2b9a3c4d4e5f8a6b7c8d9e0f1a2b"),
    ("/typed/6f1e/id", 404, None),
    ("/files/a/b//c/", 200, "a/b//c/"),
    ("/files/", 200, ""),
    ("/files/%2e%2e%2fetc", 400, None),
    ("/files/../etc", 400, None),
    ("/files/a/./b", 400, None),
    ("/files/...", 200, "..."),
    ("/files/..%00", 200, "..\x00"),
    ("/seen/a%2Fb%20c?q=%20", 200, ["/seen/a/b c", "/seen/a%2Fb%20c", "q=%20"]),
    ("http://localhost/items/absolute", 200, "absolute"),
    ("http://localhost", 200, "root"),
]


@pytest.mark.parametrize(("path", "status", "value"), PATHS)
def test_paths(client: Connection, path: str, status: int, value: object) -> None:
    reply = client.get(path)
    assert reply.status == status
    if status == 200 and path.startswith("/seen"):
        found = json.loads(reply.body)
        assert [found[1], found[2]] == value[1:]  # type: ignore[index]
    elif status == 200:
        assert json.loads(reply.body) == value
    else:
        assert list(json.loads(reply.body)) == ["detail"]


ALLOWED = [
    ("/items/a", "GET, HEAD, POST, OPTIONS"),
    ("/thread", "GET, HEAD, OPTIONS"),
    ("/own-head", "HEAD, OPTIONS"),
    ("/many", "PUT, PATCH, DELETE, OPTIONS"),
]


@pytest.mark.parametrize(("path", "allowed"), ALLOWED)
def test_methods(client: Connection, path: str, allowed: str) -> None:
    reply = ask(client, "OPTIONS", path)
    assert (reply.status, reply.body) == (204, b"")
    assert sorted(reply["allow"].split(", ")) == sorted(allowed.split(", "))
    assert "content-length" not in reply
    for method in ("BREW", "TRACE", "get"):
        reply = ask(client, method, path)
        assert (reply.status, reply.body) == (405, b'{"detail":"Method Not Allowed"}')
        assert sorted(reply["allow"].split(", ")) == sorted(allowed.split(", "))
        assert ask(client, method, "/nothing").status == 404


def test_options_of_the_server_and_of_a_route(client: Connection) -> None:
    reply = ask(client, "OPTIONS", "*")
    assert (reply.status, reply.body) == (204, b"")
    assert ask(client, "OPTIONS", "/own-options").body == b'"mine"'
    assert ask(client, "OPTIONS", "/nothing").status == 404
    for method in ("PUT", "PATCH", "DELETE"):
        assert ask(client, method, "/many").body == f'"{method}"'.encode()


@pytest.mark.parametrize(
    "path",
    [
        "/", "/items/a", "/plain", "/thread", "/stream", "/response", "/nothing",
        "/slash", "/many", "/own-options", "/files/../x",
    ],
)  # fmt: skip
def test_head_is_get_without_the_body(client: Connection, path: str) -> None:
    get = client.get(path)
    head = ask(client, "HEAD", path)
    assert head.status == get.status
    assert [pair for pair in head.headers if pair[0] != "date"] == [
        pair for pair in get.headers if pair[0] != "date"
    ]
    # What follows is the next response, so HEAD had no body.
    assert client.get("/").body == b'"root"'


def test_a_route_of_its_own_for_head(client: Connection) -> None:
    reply = ask(client, "HEAD", "/own-head")
    assert (reply.status, reply["x-own"]) == (200, "1")
    assert client.get("/own-head").status == 405


REDIRECTS = [
    ("GET", "/slash", "http://localhost/slash/"),
    ("GET", "/slash?a=1&b=%20", "http://localhost/slash/?a=1&b=%20"),
    ("GET", "/thread/", "http://localhost/thread"),
    ("GET", "/thread///?x", "http://localhost/thread?x"),
    ("POST", "/items/a/", "http://localhost/items/a"),
    ("GET", "/items/a%20b/", "http://localhost/items/a%20b"),
    ("GET", "/items/%E6%97%A5/", "http://localhost/items/%E6%97%A5"),
]


@pytest.mark.parametrize(("method", "path", "location"), REDIRECTS)
def test_redirects(client: Connection, method: str, path: str, location: str) -> None:
    reply = ask(client, method, path)
    assert (reply.status, reply["location"], reply.body) == (307, location, b"")


def test_a_redirect_never_leaves_the_host(client: Connection) -> None:
    for path in ("//evil.example/", "/%2Fevil.example/", "//evil.example//thread/", "/\\evil/"):
        reply = client.get(path)
        if reply.status == 307:
            assert reply["location"].startswith("http://localhost/")
            assert "//" not in reply["location"].removeprefix("http://")


def test_no_redirect_where_it_is_off(serve: Serve) -> None:
    app = Covet(redirect_slashes=False)

    @app.get("/slash/")
    async def slash() -> None:
        return None

    with serve(app) as served, Connection(served.port) as client:
        assert client.get("/slash").status == 404
        assert client.get("/slash/").status == 200


HOSTS = [
    ("api.example.org", 200, "api"),
    ("API.Example.ORG:8000", 200, "api"),
    ("acme.example.net", 200, "acme"),
    ("example.net", 404, None),
    ("evil.example.org", 404, None),
    ("localhost", 404, None),
    ("", 404, None),
]


@pytest.mark.parametrize(("host", "status", "value"), HOSTS)
def test_hosts(client: Connection, host: str, status: int, value: str | None) -> None:
    client.send(f"GET /who HTTP/1.1\r\nhost: {host}\r\n\r\n")
    reply = client.reply()
    assert reply.status == status
    if value is not None:
        assert json.loads(reply.body) == value
    # The authority of an absolute target overrides the header.
    client.send(f"GET http://api.example.org/who HTTP/1.1\r\nhost: {host}\r\n\r\n")
    assert client.reply().body == b'"api"'
