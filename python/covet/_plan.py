"""The specification of a route, as start-up inspection hands it to the engine.

Python inspects every handler once and describes it with these records; the engine reads them
once and compiles its plan. Nothing here is looked at again while requests are served.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

__all__ = ["MISSING", "AppSpec", "BodySpec", "ParamSpec", "ResponseSpec", "RouteSpec"]


class _Missing:
    """The type of `MISSING`: a value the client did not send."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""Stands for "the client sent nothing" where `None` is a value."""

Source = Literal["path", "query", "header", "cookie", "body", "request"]
Scalar = Literal["str", "int", "float", "bool", "any"]
Execution = Literal["async", "thread", "inline"]
BodyKind = Literal["none", "json", "stream"]
ResponseKind = Literal["json", "text", "class"]


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One argument of a handler.

    The engine takes the raw text from `source` under `alias` and turns it into `scalar` itself
    when it is in canonical form (a plain decimal integer, `true`, ...). Whatever is not, and
    whatever is `"any"`, goes to `validate`, so that pydantic alone decides the unusual cases
    and words every error.
    """

    name: str
    """The handler's argument name."""
    source: Source
    alias: str
    """The name on the wire; header names in lower case."""
    scalar: Scalar = "any"
    """What the engine may coerce by itself; `"any"` sends every value to `validate`."""
    keyword_only: bool = False
    sequence: bool = False
    """Collect every value of that name into a list before validating."""
    required: bool = True
    default: Any = None
    """The value when nothing was sent (and there is no `default_factory`)."""
    default_factory: Callable[[], Any] | None = None
    validate: Callable[[Any], Any] | None = None
    """Returns the value or raises `pydantic.ValidationError`."""
    validate_default: bool = False
    """Whether `validate` also runs over the default."""
    fields: tuple[ParamSpec, ...] = ()
    """For a parameter model: the names to collect into the dict that `validate` receives."""
    loc: tuple[str, ...] = ()
    """Where errors of this argument are reported, e.g. `("query", "q")`, `("body",)`.

    Not derived from `source` and `alias`: a header keeps the case it was declared in, and a body
    that is not embedded has no name of its own.
    """


@dataclass(frozen=True, slots=True)
class BodySpec:
    """How the request body reaches the handler."""

    kind: BodyKind = "none"
    """`json`: read whole, then validated. `stream`: the handler reads it from the request."""
    embed: bool = False
    """Each body parameter is a key of one JSON object; otherwise the body is the parameter."""
    strict_content_type: bool = True
    """Whether a body without a content-type is taken as plain bytes instead of JSON.

    A body is JSON when its content-type is `application/json` or `application/*+json`. Any other
    body reaches the only, not embedded parameter as `bytes`; embedded parameters are then missing.
    """
    validate_json: Callable[[bytes], Any] | None = None
    """Validates a single, not embedded parameter straight from the bytes of a JSON body.

    When it raises, or is `None`, the engine parses the bytes and asks the parameter's
    `validate`, so that errors are worded as for parsed data.
    """


@dataclass(frozen=True, slots=True)
class ResponseSpec:
    """How a handler's return value becomes a response."""

    kind: ResponseKind = "json"
    """`json` and `text` are written by the engine; `class` calls `factory`.

    A `text` route whose handler returns something else than `str` also calls `factory`. What is
    a `Response` already is sent as it is.
    """
    status_code: int = 200
    explicit_status: bool = False
    """Whether the route named `status_code` (passed on to `factory` only then)."""
    media_type: str = "application/json"
    """The content-type written by the engine for `json` and `text`, with its charset."""
    factory: Callable[..., Any] | None = None
    """The response class, called with `content` and, if explicit, `status_code=`."""
    serialize: Callable[[Any], bytes] | None = None
    """Turns the return value into JSON bytes through its declared type."""


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """One route: a pattern, its methods, and how its handler is called.

    `params` are in the order of the handler's signature. Errors are reported by source instead:
    path, query, header, cookie, body, each in the order of `params`.
    """

    path: str
    methods: tuple[str, ...]
    endpoint: Callable[..., Any]
    name: str
    execution: Execution
    params: tuple[ParamSpec, ...] = ()
    body: BodySpec = field(default_factory=BodySpec)
    response: ResponseSpec = field(default_factory=ResponseSpec)
    host: str | None = None


@dataclass(frozen=True, slots=True)
class AppSpec:
    """Everything the engine needs to know of an application."""

    routes: tuple[RouteSpec, ...]
    request_class: Callable[..., Any]
    """Called as `request_class(scope, receive)` where a handler asks for its request."""
    on_error: Callable[[BaseException], Any]
    """Turns any exception of a request into a `Response`; logs what is a server's fault."""
    on_invalid: Callable[[list[Any], Any], Any]
    """Called with the collected errors and the body; returns the 422 `Response`."""
    located: Callable[[Any, tuple[str, ...]], list[dict[str, Any]]]
    """Called with a `pydantic.ValidationError` and `ParamSpec.loc`; returns its error dicts."""
    missing: Callable[[tuple[str, ...]], list[dict[str, Any]]]
    """Called with `ParamSpec.loc`; returns the error dicts of a value that was not sent."""
    parse_json: Callable[[bytes], Any]
    """Parses a body the engine's own parser refused, or raises the exception to answer with."""
    app: Any
    """The application object, for `request.app`."""
    state: dict[str, Any] | None = None
    """What the lifespan yielded: each request's `scope["state"]` starts as a copy of it."""
    redirect_slashes: bool = True
    debug: bool = False
