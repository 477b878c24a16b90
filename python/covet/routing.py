"""Routes and routers: which handler answers which path, method and host."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, TypedDict

from typing_extensions import Unpack

from covet import _lifespan, _response_spec, _signature
from covet._annotations import is_subclass
from covet._inspect import Dependant, analyze
from covet._plan import Execution, RouteSpec
from covet._response_spec import ResponseModel
from covet.convertors import CompiledPath, compile_path
from covet.datastructures import Default, DefaultPlaceholder, URLPath
from covet.exceptions import RouteError
from covet.responses import JSONResponse, Response
from covet.types import DecoratedCallable, IncEx, SyncMode

__all__ = ["APIRoute", "APIRouter", "BaseRoute", "Host", "NoMatchFound", "RouteOptions"]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")


class NoMatchFound(Exception):
    """There is no route of that name with exactly those parameters."""

    def __init__(self, name: str, path_params: dict[str, Any]) -> None:
        super().__init__(
            f'No route exists for name "{name}" and params "{", ".join(path_params)}".'
        )


class RouteOptions(TypedDict, total=False):
    """What every way to declare a route accepts by keyword.

    `response_model` is the type that the return value is validated and serialised through; it
    defaults to the return annotation, `None` turns it off. `status_code` is the status of a
    response the handler does not build itself. `sync` says where a `def` handler runs.
    """

    response_model: Any
    status_code: int | None
    response_class: type[Response]
    response_model_include: IncEx | None
    response_model_exclude: IncEx | None
    response_model_by_alias: bool
    response_model_exclude_unset: bool
    response_model_exclude_defaults: bool
    response_model_exclude_none: bool
    name: str | None
    sync: SyncMode | None


@dataclass(frozen=True, slots=True)
class Context:
    """What the routers around a route add to it."""

    prefix: str = ""
    host: str | None = None
    response_class: Any = field(default_factory=lambda: Default(JSONResponse))
    sync: SyncMode | None = None
    strict_content_type: Any = field(default_factory=lambda: Default(True))

    def within(self, outer: Context) -> Context:
        """The context of a router that is included in another: what is nearer counts."""
        return Context(
            prefix=outer.prefix + self.prefix,
            host=self.host or outer.host,
            response_class=_nearest(self.response_class, outer.response_class),
            sync=self.sync or outer.sync,
            strict_content_type=_nearest(self.strict_content_type, outer.strict_content_type),
        )


def _nearest(near: Any, far: Any) -> Any:
    return far if isinstance(near, DefaultPlaceholder) else near


def _value(setting: Any) -> Any:
    return setting.value if isinstance(setting, DefaultPlaceholder) else setting


class BaseRoute:
    """Something a router holds: a route, or a router under a prefix or host."""

    def flatten(self) -> Iterator[tuple[APIRoute, Context]]:
        """The routes it stands for, each with what is added to it."""
        raise NotImplementedError

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of the route of that name.

        Raises:
            NoMatchFound: There is none with exactly these parameters.
        """
        for route, context in self.flatten():
            if name == route.name:
                path = route.path_in(context, path_params)
                if path is not None:
                    return path
        raise NoMatchFound(name, path_params)


class APIRoute(BaseRoute):
    """A path, its methods, and the handler that answers them.

    Args:
        path: The path, with places such as `{item_id}` or `{rest:path}`.
        endpoint: The handler.
        methods: The methods it answers; `GET`, which includes `HEAD`, by default.
        request_first: Whether a first parameter with no annotation is the request.
        options: See `RouteOptions`.

    Raises:
        RouteError: The handler cannot be served as declared.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        request_first: bool = False,
        **options: Unpack[RouteOptions],
    ) -> None:
        _check_known(options)
        if not callable(endpoint):
            raise RouteError(f"{path}: an endpoint must be a callable, not {endpoint!r}")
        self.path = path
        self.endpoint = endpoint
        self.name = options.get("name") or endpoint_name(endpoint)
        self.methods = {method.upper() for method in methods or ("GET",)}
        self.request_first = request_first
        self.options = options
        self.status_code = _as_int(options.get("status_code"))
        self.response_class = options.get("response_class", Default(JSONResponse))
        self.sync = options.get("sync")
        self._locals = _signature.caller_locals()
        with self._named(path):
            self._check()
            self.path_format = compile_path(path).format
            self._dependant(set(compile_path(path).convertors), early=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(path={self.path!r}, name={self.name!r})"

    def _named(self, path: str) -> _Naming:
        return _Naming(f"{self._method_text()} {path} ({self.name})")

    def _method_text(self) -> str:
        return ",".join(sorted(self.methods))

    def _check(self) -> None:
        unknown = self.methods.difference(METHODS)
        if unknown:
            raise RouteError(f"unknown method {', '.join(sorted(unknown))}")
        if self.sync not in (None, "thread", "inline"):
            raise RouteError(f"sync must be 'thread' or 'inline', not {self.sync!r}")
        if _signature.is_generator(self.endpoint):
            raise RouteError("a handler cannot yield; return a StreamingResponse over a generator")

    @functools.cached_property
    def signature(self) -> _signature.Signature:
        """The handler's signature, with annotations as objects."""
        signature = _signature.read(self.endpoint, self._locals)
        self._locals = {}
        return signature

    def _dependant(self, path_names: set[str], *, early: bool = False) -> Dependant | None:
        """The handler's parameters; `None` if that is asked too early to know every name."""
        try:
            signature = self.signature
        except _signature.Unresolved as error:
            if early:
                return None
            raise RouteError(
                f"the annotation of {error.parameter!r} names {error.name!r}, which is not defined"
            ) from None
        return analyze(signature, path_names, request_first=self.request_first)

    def flatten(self) -> Iterator[tuple[APIRoute, Context]]:
        """Itself."""
        yield self, Context()

    def path_in(self, context: Context, path_params: dict[str, Any]) -> URLPath | None:
        """Its path within `context` for these values; `None` if it has other parameters."""
        path, host = _places(context, self.path)
        if path_params.keys() != path.convertors.keys() | host.convertors.keys():
            return None
        return URLPath(
            path.fill({name: path_params[name] for name in path.convertors}),
            protocol="http",
            host=host.fill({name: path_params[name] for name in host.convertors}),
        )

    def spec(self, context: Context) -> RouteSpec:
        """The route as the engine wants it.

        Raises:
            RouteError: It cannot be served as declared; the message names the route.
        """
        full_path = context.prefix + self.path
        with self._named(f"{context.host or ''}{full_path}"):
            names = self._place_names(context)
            dependant = self._dependant(names)
            assert dependant is not None
            _check_in_path(dependant, names)
            response_class = _value(_nearest(self.response_class, context.response_class))
            return RouteSpec(
                path=full_path,
                methods=tuple(sorted(self.methods)),
                endpoint=self.endpoint,
                name=self.name,
                execution=self._execution(context),
                params=dependant.param_specs(),
                body=dependant.body_spec(strict_content_type=_value(context.strict_content_type)),
                response=_response_spec.build(response_class, self._model(), self.status_code),
                host=context.host,
            )

    def _place_names(self, context: Context) -> set[str]:
        full_path = context.prefix + self.path
        if not full_path.startswith("/"):
            raise RouteError("Routed paths must start with '/'")
        path, host = _places(context, self.path)
        twice = path.convertors.keys() & host.convertors.keys()
        if twice:
            raise RouteError(f"{', '.join(sorted(twice))} is a parameter of both host and path")
        return {*path.convertors, *host.convertors}

    def _execution(self, context: Context) -> Execution:
        if _signature.is_async(self.endpoint):
            return "async"
        return self.sync or context.sync or "thread"

    def _model(self) -> ResponseModel | None:
        options = self.options
        type_ = options["response_model"] if "response_model" in options else self._returned()
        if type_ is None:
            return None
        return ResponseModel(
            type_,
            include=options.get("response_model_include"),
            exclude=options.get("response_model_exclude"),
            by_alias=options.get("response_model_by_alias", True),
            exclude_unset=options.get("response_model_exclude_unset", False),
            exclude_defaults=options.get("response_model_exclude_defaults", False),
            exclude_none=options.get("response_model_exclude_none", False),
        )

    def _returned(self) -> Any:
        """The return annotation, where it says what the JSON looks like."""
        returns = self.signature.returns
        if returns in (None, type(None)) or is_subclass(returns, Response):
            return None
        return returns


def _check_known(options: RouteOptions) -> None:
    unknown = options.keys() - RouteOptions.__optional_keys__
    if unknown:
        raise TypeError(f"a route has no option {sorted(unknown)[0]!r}")


def endpoint_name(endpoint: Callable[..., Any]) -> str:
    """The name a route has unless it is given one."""
    name: str = getattr(endpoint, "__name__", type(endpoint).__name__)
    return name


def _as_int(status_code: int | None) -> int | None:
    return int(status_code) if isinstance(status_code, IntEnum) else status_code


def _places(context: Context, path: str) -> tuple[CompiledPath, CompiledPath]:
    return compile_path(context.prefix + path), compile_path(context.host or "")


def _check_in_path(dependant: Dependant, names: set[str]) -> None:
    absent = sorted(dependant.path_names() - names)
    if absent:
        raise RouteError(f"path parameter {absent[0]!r} is not in the path")


class _Naming:
    """Puts the name of a route before the message of a fault within it."""

    def __init__(self, route: str) -> None:
        self._route = route

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, RouteError):
            raise RouteError(f"{self._route}: {error}") from None


class _Included(BaseRoute):
    """A router within another."""

    def __init__(self, router: APIRouter, context: Context) -> None:
        self.router = router
        self.context = context

    def flatten(self) -> Iterator[tuple[APIRoute, Context]]:
        """The router's routes, also those added after it was included."""
        for route, context in self.router.flatten():
            yield route, context.within(self.context)


class Host(BaseRoute):
    """A router for the requests of one host, such as `api.example.org` or `{user}.example.org`.

    Args:
        host: The host, without port.
        app: The router, or an application whose routes are used.
        name: Put before the names of the routes, with a colon, for `url_path_for`.
    """

    def __init__(self, host: str, app: Any, name: str | None = None) -> None:
        if host.startswith("/"):
            raise RouteError("Host must not start with '/'")
        compile_path(host)
        router = getattr(app, "router", app)
        if not isinstance(router, APIRouter):
            raise RouteError(f"host {host!r} needs an APIRouter, not {app!r}")
        self.host = host
        self.app = app
        self.router = router
        self.name = name

    def flatten(self) -> Iterator[tuple[APIRoute, Context]]:
        """The router's routes, for this host only."""
        for route, context in self.router.flatten():
            yield route, context.within(Context(host=self.host))

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of a route, with its host."""
        wanted = name if self.name is None else name.removeprefix(f"{self.name}:")
        if self.name is not None and wanted == name:
            raise NoMatchFound(name, path_params)
        return super().url_path_for(wanted, **path_params)


class APIRouter:
    """A collection of routes that is included in an application or in another router.

    Args:
        prefix: Put before the path of every route.
        default_response_class: What to make of return values.
        lifespan: Runs around the life of the application the router is part of.
        redirect_slashes: Whether `/items/` is redirected to `/items` and the other way round,
            where only the other exists.
        strict_content_type: Whether a body without a content-type is not taken for JSON.
        sync: Where `def` handlers run: in the worker pool, or with `"inline"` on the event loop.
    """

    def __init__(
        self,
        *,
        prefix: str = "",
        default_response_class: type[Response] = Default(JSONResponse),
        lifespan: Any = None,
        redirect_slashes: bool = True,
        strict_content_type: bool = Default(True),
        sync: SyncMode | None = None,
    ) -> None:
        _check_prefix(prefix)
        self.prefix = prefix
        self.default_response_class = default_response_class
        self.lifespan_context = _lifespan.as_context(lifespan)
        self.redirect_slashes = redirect_slashes
        self.strict_content_type = strict_content_type
        self.sync = sync
        self.routes: list[BaseRoute] = []

    @property
    def _context(self) -> Context:
        return Context(
            response_class=self.default_response_class,
            sync=self.sync,
            strict_content_type=self.strict_content_type,
        )

    def flatten(self) -> Iterator[tuple[APIRoute, Context]]:
        """Every route in here, each with what the routers around it add."""
        for entry in self.routes:
            for route, context in entry.flatten():
                yield route, context.within(self._context)

    def specs(self) -> tuple[RouteSpec, ...]:
        """Every route as the engine wants it.

        Raises:
            RouteError: One of them cannot be served as declared.
        """
        return tuple(route.spec(context) for route, context in self.flatten())

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of the route of that name.

        Raises:
            NoMatchFound: There is none with exactly these parameters.
        """
        for entry in self.routes:
            try:
                return entry.url_path_for(name, **path_params)
            except NoMatchFound:
                continue
        raise NoMatchFound(name, path_params)

    def include_router(
        self,
        router: APIRouter,
        *,
        prefix: str = "",
        default_response_class: type[Response] = Default(JSONResponse),
    ) -> None:
        """Serve the routes of another router, also those that are added to it later.

        Args:
            router: The other router.
            prefix: Put before its own prefix.
            default_response_class: What to make of return values, if it does not say itself.

        Raises:
            RouteError: The prefix is malformed, or the routers include each other.
        """
        if router is self or router._contains(self):
            raise RouteError(
                "Cannot include an APIRouter in itself, nor one that already includes this router. "
                "Did you mean to include a different router?"
            )
        _check_prefix(prefix)
        if not prefix:
            _check_not_empty(router)
        context = Context(prefix=self.prefix + prefix, response_class=default_response_class)
        self.routes.append(_Included(router, context))
        self._adopt_lifespan(router)

    def _adopt_lifespan(self, router: APIRouter) -> None:
        self.lifespan_context = _lifespan.merge(self.lifespan_context, router.lifespan_context)

    def _contains(self, router: APIRouter) -> bool:
        inner = [entry.router for entry in self.routes if isinstance(entry, _Included | Host)]
        return router in inner or any(found._contains(router) for found in inner)

    def host(self, host: str, app: Any, name: str | None = None) -> None:
        """Serve a router for the requests of one host; see `Host`."""
        entry = Host(host, app, name)
        self.routes.append(entry)
        self._adopt_lifespan(entry.router)

    def add_api_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> None:
        """Add a route; the decorators are short for it."""
        self.routes.append(APIRoute(self.prefix + path, endpoint, methods=methods, **options))

    def add_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        methods: Iterable[str] | None = None,
        name: str | None = None,
    ) -> None:
        """Add a route in Starlette's style: the handler's first parameter is the request."""
        options: RouteOptions = {"name": name}
        self.routes.append(
            APIRoute(self.prefix + path, endpoint, methods=methods, request_first=True, **options)
        )

    def api_route(
        self,
        path: str,
        *,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer requests for `path` with any of `methods`."""

        def decorator(endpoint: DecoratedCallable) -> DecoratedCallable:
            self.add_api_route(path, endpoint, methods=methods, **options)
            return endpoint

        return decorator

    def route(
        self, path: str, methods: Iterable[str] | None = None, name: str | None = None
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Like `api_route`, but a first parameter with no annotation is the request."""

        def decorator(endpoint: DecoratedCallable) -> DecoratedCallable:
            self.add_route(path, endpoint, methods, name)
            return endpoint

        return decorator

    def get(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `GET` requests, and so `HEAD` requests, for `path`."""
        return self.api_route(path, methods=["GET"], **options)

    def put(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `PUT` requests for `path`."""
        return self.api_route(path, methods=["PUT"], **options)

    def post(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `POST` requests for `path`."""
        return self.api_route(path, methods=["POST"], **options)

    def delete(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `DELETE` requests for `path`."""
        return self.api_route(path, methods=["DELETE"], **options)

    def options(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `OPTIONS` requests for `path` instead of the engine."""
        return self.api_route(path, methods=["OPTIONS"], **options)

    def head(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `HEAD` requests for `path`."""
        return self.api_route(path, methods=["HEAD"], **options)

    def patch(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `PATCH` requests for `path`."""
        return self.api_route(path, methods=["PATCH"], **options)

    def trace(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `TRACE` requests for `path`."""
        return self.api_route(path, methods=["TRACE"], **options)


def _check_prefix(prefix: str) -> None:
    if prefix and not prefix.startswith("/"):
        raise RouteError("A path prefix must start with '/'")
    if prefix.endswith("/"):
        raise RouteError("A path prefix must not end with '/', as the routes will start with '/'")


def _check_not_empty(router: APIRouter) -> None:
    for route, context in router.flatten():
        if not context.prefix + route.path:
            raise RouteError(f"Prefix and path cannot be both empty (path operation: {route.name})")
