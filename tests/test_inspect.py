"""Parameters: what each is, and what comes of a request's values, compared with FastAPI."""

from __future__ import annotations

import dataclasses
import enum
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Optional

import fastapi
import fastapi.dependencies.utils as theirs
import pytest
import starlette.datastructures
from annotated_types import Gt, Lt
from pydantic import BaseModel, Field, Json, ValidationError
from typing_extensions import TypedDict

import covet
from covet import _errors, _signature
from covet._inspect import Dependant, analyze
from covet._plan import ParamSpec
from covet.exceptions import RouteError
from covet.requests import HTTPConnection, Request
from covet.responses import Response


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    name: str
    price: float = Field(1.0, gt=0)


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Named(TypedDict):
    name: str


def inspected(endpoint: Callable[..., Any], names: set[str] | None = None) -> Dependant:
    return analyze(_signature.read(endpoint, {}), names or set())


def specs(endpoint: Callable[..., Any], names: set[str] | None = None) -> dict[str, ParamSpec]:
    return {spec.name: spec for spec in inspected(endpoint, names).param_specs()}


def solve(spec: ParamSpec, values: list[str]) -> tuple[Any, list[dict[str, Any]]]:
    """What the engine does with the values of one parameter: the contract, executed."""
    if not values:
        if spec.required:
            return None, _errors.missing(spec.loc)
        value = spec.default_factory() if spec.default_factory else spec.default
        if not spec.validate_default:
            return value, []
    else:
        value = values if spec.sequence else values[-1]
    assert spec.validate is not None
    try:
        return spec.validate(value), []
    except ValidationError as error:
        return None, _errors.located(error, spec.loc)


def fastapi_solve(endpoint: Callable[..., Any], values: list[str]) -> tuple[Any, Any]:
    dependant = theirs.get_dependant(path="/", call=endpoint)
    received = starlette.datastructures.QueryParams([("q", value) for value in values])
    found, errors = theirs.request_params_to_args(dependant.query_params, received)
    return found.get("q"), errors


QUERIES: list[tuple[Any, Any]] = [
    (int, ...),
    (int, 5),
    (float, ...),
    (bool, ...),
    (str, ...),
    (uuid.UUID, ...),
    (Color, Color.RED),
    (date, ...),
    (datetime, ...),
    (Decimal, ...),
    (Literal["a", "1"], ...),
    (int | None, None),
    (Optional[str], None),  # noqa: UP045
    (int | str, ...),
    (Annotated[int, Gt(3)], ...),
    (Annotated[int, Field(gt=3)], ...),
    (Annotated[int, Gt(3), Lt(10)], 5),
    (Annotated[str, Field(pattern="^a")], "b"),
]
SEQUENCES: list[tuple[Any, Any]] = [
    (list[int], ...),
    (list[str] | None, None),
    (set[int], ...),
    (frozenset[str], frozenset()),
    (tuple[int, str], ...),
    (tuple[int, ...], ()),
    (list[Color], [Color.BLUE]),
    (list, ...),
    (Annotated[list[int], Field(max_length=1)], ...),
]
VALUES: list[list[str]] = [
    [],
    [""],
    ["1"],
    ["-1"],
    ["+5"],
    ["1.5"],
    ["true"],
    ["on"],
    ["red"],
    ["a"],
    ["2026-11-23"],
    ["2026-11-23T10:00:00Z"],
    ["12345678123456781234567812345678"],
    ["1", "2"],
    ["1", "x"],
    ["[1, 2]"],
    ["1e3"],
]


def taking(annotation: Any, default: Any) -> Callable[..., Any]:
    if default is ...:

        def endpoint(q: annotation) -> None: ...

    else:

        def endpoint(q: annotation = default) -> None: ...

    endpoint.__annotations__["q"] = annotation
    return endpoint


@pytest.mark.parametrize(("annotation", "default"), QUERIES, ids=str)
def test_query(annotation: Any, default: Any) -> None:
    endpoint = taking(annotation, default)
    spec = specs(endpoint)["q"]
    for values in VALUES:
        assert solve(spec, values) == fastapi_solve(endpoint, values), values


@pytest.mark.parametrize(("annotation", "default"), SEQUENCES, ids=str)
def test_sequence(annotation: Any, default: Any) -> None:
    spec = specs(taking(Annotated[annotation, covet.Query()], default))["q"]
    reference = taking(Annotated[annotation, fastapi.Query()], default)
    for values in VALUES:
        assert solve(spec, values) == fastapi_solve(reference, values), values


def test_json_in_a_query_parameter() -> None:
    """As FastAPI, but for `?q=`, which FastAPI takes as not sent, because a list is empty text."""
    spec = specs(taking(Annotated[Json[list[int]], covet.Query()], ...))["q"]
    reference = taking(Annotated[Json[list[int]], fastapi.Query()], ...)
    assert not spec.sequence
    for values in VALUES:
        if values != [""]:
            assert solve(spec, values) == fastapi_solve(reference, values), values
    assert solve(spec, [""])[1][0]["type"] == "json_invalid"


DECLARED: list[Callable[[Any], Any]] = [
    lambda m: m.Query(),
    lambda m: m.Query(gt=2, le=5),
    lambda m: m.Query(min_length=2, max_length=3),
    lambda m: m.Query(pattern="^[0-9]+$"),
    lambda m: m.Query(strict=True),
    lambda m: m.Query(multiple_of=3),
    lambda m: m.Query(allow_inf_nan=False),
    lambda m: m.Query(default=7, gt=9, validate_default=True),
    lambda m: m.Query(default_factory=lambda: 4),
    lambda m: m.Query(None),
    lambda m: m.Query([1]),
]


@pytest.mark.parametrize("annotation", [int, str, float, list[int], int | None], ids=str)
@pytest.mark.parametrize("declare", DECLARED)
def test_declared_query(declare: Callable[[Any], Any], annotation: Any) -> None:
    for values in VALUES:
        mine = refusable(our_solve, taking(annotation, declare(covet)), values)
        other = refusable(fastapi_solve, taking(annotation, declare(fastapi)), values)
        assert mine == other, values


def our_solve(endpoint: Callable[..., Any], values: list[str]) -> tuple[Any, Any]:
    return solve(specs(endpoint)["q"], values)


def refusable(
    run: Callable[[Any, list[str]], Any], endpoint: Callable[..., Any], values: list[str]
) -> Any:
    try:
        return run(endpoint, values)
    except (TypeError, RuntimeError):
        # pydantic refuses a constraint that the type does not know.
        return "refused"


def test_annotated_metadata_is_collected_from_all_of_it() -> None:
    def endpoint(q: Annotated[int, Gt(1), covet.Query(lt=10, alias="Q")] = 5) -> None: ...

    spec = specs(endpoint)["q"]
    assert (spec.alias, spec.loc, spec.default, spec.scalar) == ("Q", ("query", "Q"), 5, "any")
    assert solve(spec, ["1"])[1][0]["type"] == "greater_than"
    assert solve(spec, ["10"])[1][0]["type"] == "less_than"


@pytest.mark.parametrize(
    ("annotation", "scalar"),
    [
        (str, "str"),
        (int, "int"),
        (float, "float"),
        (bool, "bool"),
        (Any, "str"),
        (int | None, "int"),
        (Annotated[int, covet.Query(description="plain")], "int"),
        (Annotated[int, Gt(1)], "any"),
        (Annotated[int, covet.Query(strict=True)], "any"),
        (Annotated[int, Gt(1)] | None, "any"),
        (int | str, "any"),
        (int | str | None, "any"),
        (list[int], "any"),
        (Color, "any"),
        (uuid.UUID, "any"),
        (Literal["a"], "any"),
    ],
    ids=str,
)
def test_what_the_engine_coerces_itself(annotation: Any, scalar: str) -> None:
    assert specs(taking(annotation, ...))["q"].scalar == scalar


def test_sources() -> None:
    def endpoint(
        id: int,
        plain: int,
        items: list[str],
        item: Item,
        request: Request,
        *,
        x_token: Annotated[str, covet.Header()],
        raw_name: Annotated[str, covet.Header(convert_underscores=False)],
        forwarded: Annotated[list[str], covet.Header(alias="X-Forwarded")],
        session: Annotated[str | None, covet.Cookie()] = None,
        many: Annotated[list[str], covet.Query()] = [],  # noqa: B006 - copied per request
    ) -> None: ...

    found = specs(endpoint, {"id"})
    assert {name: (spec.source, spec.alias, spec.loc) for name, spec in found.items()} == {
        "id": ("path", "id", ("path", "id")),
        "plain": ("query", "plain", ("query", "plain")),
        "items": ("body", "items", ("body", "items")),
        "item": ("body", "item", ("body", "item")),
        "request": ("request", "request", ()),
        "x_token": ("header", "x-token", ("header", "x-token")),
        "raw_name": ("header", "raw_name", ("header", "raw_name")),
        "forwarded": ("header", "x-forwarded", ("header", "X-Forwarded")),
        "session": ("cookie", "session", ("cookie", "session")),
        "many": ("query", "many", ("query", "many")),
    }
    assert [name for name, spec in found.items() if spec.sequence] == ["forwarded", "many"]
    assert [name for name, spec in found.items() if spec.keyword_only] == [
        "x_token",
        "raw_name",
        "forwarded",
        "session",
        "many",
    ]


def test_mutable_defaults_are_made_anew() -> None:
    def endpoint(q: list[int] = covet.Query([1])) -> None: ...

    spec = specs(endpoint)["q"]
    first, _ = solve(spec, [])
    first.append(2)
    assert solve(spec, []) == ([1], [])


@pytest.mark.parametrize(
    ("annotation", "embed", "straight"),
    [
        (Item, False, True),
        (Annotated[Item, covet.Body(embed=True)], True, False),
        (list[Item], False, True),
        (dict[str, int], False, True),
        (Point, False, True),
        (Named, False, True),
        (Item | None, False, True),
        (Annotated[int, covet.Body()], False, True),
        (Annotated[date | str, covet.Body()], False, False),
    ],
    ids=str,
)
def test_body(annotation: Any, embed: bool, straight: bool) -> None:
    dependant = inspected(taking(annotation, ...))
    body = dependant.body_spec(strict_content_type=True)
    assert (body.kind, body.embed) == ("json", embed)
    assert (body.validate_json is not None) == straight
    assert dependant.param_specs()[0].loc == (("body", "q") if embed else ("body",))


def test_body_from_bytes() -> None:
    def endpoint(item: Item) -> None: ...

    body = inspected(endpoint).body_spec(strict_content_type=True)
    assert body.validate_json is not None
    assert body.validate_json(b'{"name": "a", "price": "2"}') == Item(name="a", price=2)


def test_body_errors_are_fastapis() -> None:
    def endpoint(item: Item) -> None: ...

    field = theirs.get_dependant(path="/", call=endpoint).body_params[0]
    spec = specs(endpoint)["item"]
    for value in ({}, {"name": 1, "price": 0}, [], "text", None, {"name": "a", "price": "x"}):
        assert solve(spec, [value]) == field.validate(value, loc=("body",))  # type: ignore[list-item]


def test_several_bodies_are_embedded() -> None:
    def endpoint(a: Item, b: Item) -> None: ...

    dependant = inspected(endpoint)
    assert dependant.body_spec(strict_content_type=False).embed
    assert [spec.loc for spec in dependant.param_specs()] == [("body", "a"), ("body", "b")]


def test_a_request_alone_streams_its_body() -> None:
    def endpoint(connection: HTTPConnection) -> None: ...

    assert inspected(endpoint).body_spec(strict_content_type=True).kind == "stream"
    assert inspected(lambda: None).body_spec(strict_content_type=True).kind == "none"


def test_first_parameter_may_be_the_request() -> None:
    def endpoint(anything, q) -> None: ...  # type: ignore[no-untyped-def]

    signature = _signature.read(endpoint, {})
    sources = [spec.source for spec in analyze(signature, set(), request_first=True).param_specs()]
    assert sources == ["request", "query"]


def test_wrapped_handlers_are_called_by_keyword() -> None:
    import functools

    def endpoint(q: int, r: int) -> None: ...

    @functools.wraps(endpoint)
    def wrapper(*args: Any, **kwargs: Any) -> None: ...

    assert [spec.keyword_only for spec in specs(wrapper).values()] == [True, True]
    assert [spec.keyword_only for spec in specs(endpoint).values()] == [False, False]


def bare(q: int = Field(3)) -> None: ...
def path_default(q: Annotated[int, covet.Path()] = 3) -> None: ...
def wrong_source(q: Annotated[int, covet.Query()]) -> None: ...
def list_path(q: list[int]) -> None: ...
def model_path(q: Item) -> None: ...
def default_within(q: Annotated[int, covet.Query(3)]) -> None: ...
def declared_twice(q: Annotated[int, covet.Query()] = covet.Query()) -> None: ...
def dict_query(q: dict[str, int] = covet.Query()) -> None: ...
def list_of_models(q: list[Item] = covet.Query()) -> None: ...
def model_query(q: Item = covet.Query()) -> None: ...
def positional(*q: int) -> None: ...
def keywords(**q: int) -> None: ...
def response(q: Response) -> None: ...
def marked_request(q: Annotated[Request, covet.Query()]) -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "in_path", "message"),
    [
        (bare, False, "'q': `FieldInfo` does not tell where"),
        (path_default, True, "Path parameters cannot have default values: 'q'"),
        (wrong_source, True, "Cannot use `Query` for path param 'q'"),
        (list_path, True, "Path params must be of one of the supported types: 'q'"),
        (model_path, True, "Path params must be of one of the supported types: 'q'"),
        (default_within, False, "`Query` default value cannot be set in `Annotated` for 'q'"),
        (declared_twice, False, "in `Annotated` and default value together for 'q'"),
        (dict_query, False, "Query parameter 'q' must be one of the supported types"),
        (list_of_models, False, "Query parameter 'q' must be one of the supported types"),
        (model_query, False, "Query parameter 'q': parameter models are not supported"),
        (positional, False, "'*q: int' does not tell"),
        (keywords, False, "'**q: int' does not tell"),
        (response, False, "'q': parameters of type Response"),
        (marked_request, False, "Cannot use `Query` for the request 'q'"),
    ],
)
def test_what_cannot_be_served(endpoint: Any, in_path: bool, message: str) -> None:
    with pytest.raises(RouteError) as caught:
        inspected(endpoint, {"q"} if in_path else None).param_specs()
    assert message in str(caught.value)


def test_a_type_pydantic_does_not_know() -> None:
    class Odd:
        pass

    with pytest.raises(RouteError, match=r"'q': check that .*Odd.* is a valid type for pydantic"):
        specs(taking(Odd, ...))


def test_path_default_in_the_declaration() -> None:
    with pytest.raises(RouteError, match="Path parameters cannot have a default value"):
        covet.Path(default=1)
