"""The application: its routes, its settings, and the way to serve it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from typing_extensions import Unpack

from covet import _errors, _server
from covet._bind import Bind
from covet._covet import Settings
from covet._loop import LoopName
from covet._plan import AppSpec
from covet.datastructures import Default, State, URLPath
from covet.requests import Request
from covet.responses import JSONResponse, Response
from covet.routing import APIRouter, BaseRoute, RouteOptions
from covet.types import DecoratedCallable, SyncMode

__all__ = ["Covet"]


class Covet:
    """A web application.

    ```python
    from covet import Covet

    app = Covet()

    @app.get("/items/{item_id}")
    async def read_item(item_id: int, q: str | None = None):
        return {"item_id": item_id, "q": q}

    app.run()
    ```

    Args:
        debug: Whether a response to an unexpected exception shows its traceback.
        title: The name of the application.
        version: Its version.
        lifespan: An asynchronous context manager around the life of the server; what it yields
            is the start of every request's `state`.
        redirect_slashes: Whether `/items/` is redirected to `/items` and the other way round,
            where only the other exists.
        default_response_class: What to make of return values.
        strict_content_type: Whether a body without a content-type is not taken for JSON.
        sync: Where `def` handlers run: in a pool of worker threads, or with `"inline"` on the
            event loop, which is faster and right only for handlers that never block.
    """

    def __init__(
        self,
        *,
        debug: bool = False,
        title: str = "Covet",
        version: str = "0.1.0",
        lifespan: Any = None,
        redirect_slashes: bool = True,
        default_response_class: type[Response] = Default(JSONResponse),
        strict_content_type: bool = True,
        sync: SyncMode = "thread",
    ) -> None:
        self.debug = debug
        self.title = title
        self.version = version
        self.state = State()
        self.router = APIRouter(
            lifespan=lifespan,
            redirect_slashes=redirect_slashes,
            default_response_class=default_response_class,
            strict_content_type=strict_content_type,
            sync=sync,
        )

    @property
    def routes(self) -> list[BaseRoute]:
        """What was added: routes, included routers, hosts."""
        return self.router.routes

    def compile(self, state: Mapping[str, Any] | None = None) -> AppSpec:
        """Describe the application to the engine.

        Args:
            state: What the lifespan yielded.

        Raises:
            RouteError: A route cannot be served as declared; the message names it.
        """
        return AppSpec(
            routes=self.router.specs(),
            request_class=Request,
            on_error=_errors.responder(debug=self.debug),
            on_invalid=_errors.respond_invalid,
            located=_errors.located,
            missing=_errors.missing,
            parse_json=_errors.parse_json,
            app=self,
            state=None if state is None else dict(state),
            redirect_slashes=self.router.redirect_slashes,
            debug=self.debug,
        )

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of the route of that name.

        Raises:
            NoMatchFound: There is none with exactly these parameters.
        """
        return self.router.url_path_for(name, **path_params)

    def run(
        self,
        host: str = "127.0.0.1",
        port: int = 8000,
        *,
        uds: str | None = None,
        fd: int | None = None,
        settings: Settings | None = None,
        loop: LoopName = "auto",
        graceful_timeout: float = 30.0,
    ) -> None:
        """Serve the application until Ctrl-C or SIGTERM, like the command `covet run`.

        Args:
            host: A host name or IP address.
            port: A port; 0 takes a free one.
            uds: The path of a Unix socket, instead of host and port.
            fd: The descriptor of a bound socket, instead of all these.
            settings: The engine's limits.
            loop: The event loop; `auto` is uvloop where it is installed.
            graceful_timeout: Seconds that requests in flight get to finish.

        Raises:
            SystemExit: It could not start, or was ended before it had finished.
        """
        code = _server.run(
            self,
            Bind(host=host, port=port, uds=uds, fd=fd),
            settings=settings,
            loop=loop,
            graceful_timeout=graceful_timeout,
        )
        if code:
            raise SystemExit(code)

    def include_router(
        self,
        router: APIRouter,
        *,
        prefix: str = "",
        default_response_class: type[Response] = Default(JSONResponse),
    ) -> None:
        """Serve the routes of a router; see `APIRouter.include_router`."""
        self.router.include_router(
            router, prefix=prefix, default_response_class=default_response_class
        )

    def host(self, host: str, app: Any, name: str | None = None) -> None:
        """Serve a router for the requests of one host: `app.host("api.example.org", router)`."""
        self.router.host(host, app, name)

    def add_api_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: Iterable[str] | None = None,
        **options: Unpack[RouteOptions],
    ) -> None:
        """Add a route; the decorators are short for it."""
        self.router.add_api_route(path, endpoint, methods=methods, **options)

    def add_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        methods: Iterable[str] | None = None,
        name: str | None = None,
    ) -> None:
        """Add a route in Starlette's style: the handler's first parameter is the request."""
        self.router.add_route(path, endpoint, methods, name)

    def api_route(
        self, path: str, *, methods: Iterable[str] | None = None, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer requests for `path` with any of `methods`."""
        return self.router.api_route(path, methods=methods, **options)

    def route(
        self, path: str, methods: Iterable[str] | None = None, name: str | None = None
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Like `api_route`, but a first parameter with no annotation is the request."""
        return self.router.route(path, methods, name)

    def get(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `GET` requests, and so `HEAD` requests, for `path`."""
        return self.router.get(path, **options)

    def put(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `PUT` requests for `path`."""
        return self.router.put(path, **options)

    def post(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `POST` requests for `path`."""
        return self.router.post(path, **options)

    def delete(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `DELETE` requests for `path`."""
        return self.router.delete(path, **options)

    def options(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `OPTIONS` requests for `path` instead of the engine."""
        return self.router.options(path, **options)

    def head(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `HEAD` requests for `path`."""
        return self.router.head(path, **options)

    def patch(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `PATCH` requests for `path`."""
        return self.router.patch(path, **options)

    def trace(
        self, path: str, **options: Unpack[RouteOptions]
    ) -> Callable[[DecoratedCallable], DecoratedCallable]:
        """Answer `TRACE` requests for `path`."""
        return self.router.trace(path, **options)
