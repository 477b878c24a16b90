"""Routers: prefixes, hosts, inheritance of settings, names, and the faults told at start-up."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Any

import pytest
import starlette.convertors
import starlette.routing
from pydantic import BaseModel

from covet import APIRouter, Covet, Path, Query
from covet._plan import AppSpec, ResponseSpec, RouteSpec
from covet.convertors import CONVERTOR_TYPES, compile_path
from covet.exceptions import ResponseValidationError, RouteError
from covet.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from covet.routing import NoMatchFound


async def handler() -> None: ...


def blocking() -> None: ...


def only(router: APIRouter | Covet) -> RouteSpec:
    [spec] = (router.router if isinstance(router, Covet) else router).specs()
    return spec


METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"]


@pytest.mark.parametrize("method", METHODS)
def test_each_method_has_a_decorator(method: str) -> None:
    for app in (Covet(), APIRouter()):
        assert getattr(app, method)("/x")(handler) is handler
        spec = only(app)
        assert (spec.path, spec.methods, spec.name) == ("/x", (method.upper(),), "handler")
        assert (spec.endpoint, spec.execution) == (handler, "async")


def test_several_methods() -> None:
    app = Covet()
    app.api_route("/x", methods=["post", "GET", "POST"], name="both")(handler)
    assert (only(app).methods, only(app).name) == (("GET", "POST"), "both")


def test_route_gives_the_request_to_a_bare_first_parameter() -> None:
    app = Covet()

    @app.route("/x", methods=["PUT"], name="mine")
    async def endpoint(anything, q: int): ...

    spec = only(app)
    assert (spec.methods, spec.name) == (("PUT",), "mine")
    assert [param.source for param in spec.params] == ["request", "query"]


def test_prefixes_add_up() -> None:
    inner, outer, app = APIRouter(prefix="/inner"), APIRouter(prefix="/outer"), Covet()
    inner.get("/x")(handler)
    outer.include_router(inner, prefix="/between")
    app.include_router(outer, prefix="/v1")
    inner.get("/late")(handler)
    paths = [spec.path for spec in app.compile().routes]
    assert paths == ["/v1/outer/between/inner/x", "/v1/outer/between/inner/late"]


def test_parameters_in_a_prefix_are_path_parameters() -> None:
    router, app = APIRouter(), Covet()

    @router.get("/items")
    def endpoint(user: int, tenant: str, q: int): ...

    app.include_router(router, prefix="/{user}")
    hosted = Covet()
    hosted.host("{tenant}.example.org", router)
    assert [param.source for param in only(app).params] == ["path", "query", "query"]
    assert [param.source for param in only(hosted).params] == ["query", "path", "query"]
    assert only(hosted).host == "{tenant}.example.org"


SYNC: list[tuple[Any, Any, Any, str]] = [
    ("thread", None, None, "thread"),
    ("inline", None, None, "inline"),
    ("thread", "inline", None, "inline"),
    ("inline", "thread", None, "thread"),
    ("inline", "inline", "thread", "thread"),
]


@pytest.mark.parametrize(("app_says", "router_says", "route_says", "result"), SYNC)
def test_the_nearest_sync_counts(
    app_says: Any, router_says: Any, route_says: Any, result: str
) -> None:
    app, router = Covet(sync=app_says), APIRouter(sync=router_says)
    router.get("/x", sync=route_says)(blocking)
    app.include_router(router)
    assert only(app).execution == result


def test_the_nearest_response_class_counts() -> None:
    app = Covet(default_response_class=HTMLResponse, strict_content_type=False)
    router = APIRouter(default_response_class=PlainTextResponse)
    app.get("/app")(handler)
    router.get("/router")(handler)
    router.get("/route", response_class=JSONResponse)(handler)
    app.include_router(router)
    other = APIRouter()
    other.get("/included")(handler)
    app.include_router(other, default_response_class=PlainTextResponse)
    kinds = {spec.path: spec.response.media_type for spec in app.compile().routes}
    assert kinds == {
        "/app": "text/html; charset=utf-8",
        "/router": "text/plain; charset=utf-8",
        "/route": "application/json",
        "/included": "text/plain; charset=utf-8",
    }


def test_strict_content_type_is_inherited() -> None:
    app, router = Covet(strict_content_type=False), APIRouter()

    @router.post("/x")
    def endpoint(body: dict[str, int]): ...

    app.include_router(router)
    assert not only(app).body.strict_content_type
    assert only(router).body.strict_content_type


class Shown(BaseModel):
    name: str
    tags: list[str] = []


class Secret(Shown):
    password: str


def returning(**options: Any) -> ResponseSpec:
    def endpoint(): ...

    app = Covet()
    app.get("/", **options)(endpoint)
    return only(app).response


def test_return_values_are_filtered_by_the_annotation() -> None:
    app = Covet()

    @app.get("/")
    def endpoint() -> Shown: ...

    serialize = only(app).response.serialize
    assert serialize is not None
    assert serialize(Secret(name="a", password="x")) == b'{"name":"a","tags":[]}'
    with pytest.raises(ResponseValidationError) as caught:
        serialize({"tags": []})
    assert caught.value.errors()[0]["loc"] == ("response", "name")


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, b'{"name":"a","tags":[]}'),
        ({"response_model_include": {"name"}}, b'{"name":"a"}'),
        ({"response_model_exclude": {"name"}}, b'{"tags":[]}'),
        ({"response_model_exclude_unset": True}, b'{"name":"a"}'),
        ({"response_model_exclude_defaults": True}, b'{"name":"a"}'),
    ],
)
def test_response_model_options(options: dict[str, Any], shown: bytes) -> None:
    spec = returning(response_model=Shown, **options)
    assert spec.serialize is not None
    assert spec.serialize({"name": "a"}) == shown


def test_no_response_model() -> None:
    def nothing() -> None: ...
    def response() -> JSONResponse: ...
    def named() -> Shown: ...

    app = Covet()
    app.get("/1")(nothing)
    app.get("/2")(response)
    app.get("/3", response_model=None)(named)
    assert [spec.response.serialize for spec in app.compile().routes] == [None] * 3


def test_status() -> None:
    assert (returning().status_code, returning().explicit_status) == (200, False)
    created = returning(status_code=HTTPStatus.CREATED)
    assert (created.status_code, created.explicit_status) == (201, True)
    assert type(created.status_code) is int


def test_response_class_makes_the_response() -> None:
    spec = returning(response_class=RedirectResponse)
    assert (spec.kind, spec.explicit_status) == ("class", False)
    assert spec.factory is not None
    response = spec.factory("/there")
    assert (response.status_code, response.headers["location"]) == (307, "/there")
    assert spec.factory("/there", status_code=303).status_code == 303


def test_response_class_gets_plain_data() -> None:
    class Shouting(Response):
        def render(self, content: Any) -> bytes:
            return repr(content).encode()

    spec = returning(response_class=Shouting)
    assert spec.factory is not None
    assert spec.factory(Shown(name="a")).body == b"{'name': 'a', 'tags': []}"
    assert spec.factory("x", status_code=204).body == b""
    modelled = returning(response_class=Shouting, response_model=Shown)
    assert modelled.factory is not None
    assert modelled.factory(Secret(name="a", password="x")).body == b"{'name': 'a', 'tags': []}"


def test_text_is_left_to_the_engine_unless_it_is_modelled() -> None:
    assert returning(response_class=HTMLResponse).kind == "text"
    assert returning(response_class=HTMLResponse, response_model=str).kind == "text"
    assert returning(response_class=HTMLResponse, response_model=Shown).kind == "class"


async def generating():
    yield 1


def takes_item(item_id: Annotated[int, Path()]): ...
def takes_dict(q: dict[str, int] = Query()): ...
def odd_return() -> Response | None: ...


FAULTS: list[tuple[Callable[[Covet], Any], str]] = [
    (lambda a: a.get("x")(handler), "GET x (handler): Routed paths must start with '/'"),
    (lambda a: a.get("/{a}/{a}")(handler), "GET /{a}/{a} (handler): Duplicated param name a at"),
    (lambda a: a.get("/{a:b}")(handler), "Unknown path convertor 'b' at path /{a:b}"),
    (lambda a: a.get("/")(takes_item), "GET / (takes_item): path parameter 'item_id' is not in"),
    (lambda a: a.post("/q")(takes_dict), "POST /q (takes_dict): Query parameter 'q' must be one"),
    (lambda a: a.get("/")(generating), "GET / (generating): a handler cannot yield"),
    (lambda a: a.get("/")(3), "/: an endpoint must be a callable, not 3"),
    (lambda a: a.api_route("/", methods=["BREW"])(handler), "BREW / (handler): unknown method"),
    (lambda a: a.get("/", sync="later")(handler), "sync must be 'thread' or 'inline'"),
    (lambda a: a.get("/", response_model=object())(handler), "Invalid args for response field!"),
    (lambda a: a.get("/")(odd_return), "GET / (odd_return): Invalid args for response field!"),
    (
        lambda a: a.get("/", status_code=204, response_model=int)(handler),
        "Status code 204 must not have a response body",
    ),
    (lambda a: a.include_router(APIRouter(prefix="x")), "A path prefix must start with '/'"),
    (lambda a: a.include_router(APIRouter(), prefix="/x/"), "must not end with '/'"),
    (lambda a: a.include_router(a.router), "Cannot include an APIRouter in itself"),
    (lambda a: a.host("/x", APIRouter()), "Host must not start with '/'"),
    (lambda a: a.host("x.org", object()), "host 'x.org' needs an APIRouter"),
]


def compiled(change: Callable[[Covet], Any]) -> AppSpec:
    app = Covet()
    change(app)
    return app.compile()


@pytest.mark.parametrize(("fault", "message"), FAULTS, ids=[message for _, message in FAULTS])
def test_faults_are_told_at_start_up(fault: Callable[[Covet], Any], message: str) -> None:
    with pytest.raises(RouteError) as caught:
        compiled(fault)
    assert message in str(caught.value)


def test_an_option_that_does_not_exist_is_not_ignored() -> None:
    with pytest.raises(TypeError, match="a route has no option 'dependencies'"):
        Covet().get("/", dependencies=[handler])(handler)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="Query has no option 'greater'"):
        Query(greater=1)  # type: ignore[call-arg]


def test_prefix_and_path_cannot_both_be_empty() -> None:
    router = APIRouter()
    router.get("")(handler)
    with pytest.raises(RouteError, match=r"both empty \(path operation: handler\)"):
        Covet().include_router(router)
    app = Covet()
    app.include_router(router, prefix="/x")
    assert only(app).path == "/x"


def test_routers_cannot_include_each_other() -> None:
    one, two = APIRouter(), APIRouter()
    one.include_router(two, prefix="/two")
    with pytest.raises(RouteError, match="already includes this router"):
        two.include_router(one, prefix="/one")


def test_a_place_in_both_host_and_path() -> None:
    router, app = APIRouter(), Covet()
    router.get("/{name}")(handler)
    app.host("{name}.org", router)
    with pytest.raises(RouteError, match="name is a parameter of both host and path"):
        app.compile()


def named_app() -> Covet:
    app, users, api = Covet(), APIRouter(prefix="/users"), APIRouter()
    app.get("/", name="home")(handler)
    app.get("/files/{path:path}", name="file")(handler)
    users.get("/{user:int}/{part}", name="user")(handler)
    users.get("/{user:int}", name="user")(handler)
    app.include_router(users, prefix="/v1")
    api.get("/{id:uuid}", name="object")(handler)
    app.host("{tenant}.example.org", api, name="api")
    return app


ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
NAMED: list[tuple[str, dict[str, Any], str, str]] = [
    ("home", {}, "/", ""),
    ("file", {"path": "a/b c.txt"}, "/files/a/b c.txt", ""),
    ("user", {"user": 3}, "/v1/users/3", ""),
    ("user", {"user": "3", "part": "x"}, "/v1/users/3/x", ""),
    ("api:object", {"tenant": "acme", "id": ID}, f"/{ID}", "acme.example.org"),
]


@pytest.mark.parametrize(("name", "params", "path", "host"), NAMED)
def test_url_path_for(name: str, params: dict[str, Any], path: str, host: str) -> None:
    found = named_app().url_path_for(name, **params)
    assert (str(found), found.host, found.protocol) == (path, host, "http")


@pytest.mark.parametrize(
    ("name", "params"),
    [("nobody", {}), ("home", {"x": 1}), ("user", {}), ("object", {"tenant": "a", "id": ID})],
)
def test_url_path_for_nothing(name: str, params: dict[str, Any]) -> None:
    with pytest.raises(NoMatchFound) as caught:
        named_app().url_path_for(name, **params)
    assert str(caught.value) == str(starlette.routing.NoMatchFound(name, params))


CONVERTED: list[tuple[str, Any]] = [
    ("str", "a b"),
    ("str", ""),
    ("str", "a/b"),
    ("path", "a/b"),
    ("int", 3),
    ("int", "3"),
    ("int", -1),
    ("float", 25.5),
    ("float", 1),
    ("float", 1e-7),
    ("float", float("nan")),
    ("float", float("inf")),
    ("float", -0.5),
    ("uuid", ID),
]


@pytest.mark.parametrize(("kind", "value"), CONVERTED)
def test_convertors_write_like_starlettes(kind: str, value: Any) -> None:
    reference = starlette.convertors.CONVERTOR_TYPES[kind]
    mine = CONVERTOR_TYPES[kind]
    assert mine.regex == reference.regex
    try:
        written = reference.to_string(value)
    except AssertionError:
        with pytest.raises(ValueError, match=r"May not|Must not|not supported"):
            mine.to_string(value)
    else:
        assert mine.to_string(value) == written
        assert mine.convert(written) == reference.convert(written)


@pytest.mark.parametrize("path", ["/", "/a/{b}", "/{a:int}-{b:path}", "/{not a place}", "/{a"])
def test_compiled_paths_are_starlettes(path: str) -> None:
    compiled = compile_path(path)
    _, path_format, convertors = starlette.routing.compile_path(path)
    assert (compiled.format, list(compiled.convertors)) == (path_format, list(convertors))
