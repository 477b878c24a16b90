"""The request as a handler sees it, over an ASGI scope and receive channel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import cached_property
from http.cookies import _unquote
from typing import Any, NoReturn

from covet import _covet
from covet.datastructures import URL, Address, Headers, QueryParams, State
from covet.types import Message, Receive, Scope

__all__ = ["ClientDisconnect", "HTTPConnection", "Request", "cookie_parser"]


class ClientDisconnect(Exception):
    """The client went away before it had sent the whole body."""


def cookie_parser(cookie_string: str) -> dict[str, str]:
    """The cookies of a `Cookie` header, read as leniently as browsers write them."""
    cookies = {}
    for chunk in cookie_string.split(";"):
        name, equals, value = chunk.partition("=")
        if not equals:
            name, value = "", chunk
        name, value = name.strip(), value.strip()
        if name or value:
            cookies[name] = _unquote(value)
    return cookies


class HTTPConnection(Mapping[str, Any]):
    """What requests and WebSockets have in common. As a mapping, it is its ASGI scope."""

    def __init__(self, scope: Scope, receive: Receive | None = None) -> None:
        if scope["type"] not in ("http", "websocket"):
            raise ValueError(f"not a connection: {scope['type']!r}")
        self.scope = scope

    def __getitem__(self, key: str) -> Any:
        return self.scope[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scope)

    def __len__(self) -> int:
        return len(self.scope)

    # Two connections are never equal, whatever their scopes hold.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def app(self) -> Any:
        """The application."""
        return self.scope["app"]

    @cached_property
    def url(self) -> URL:
        """The whole URL that was asked for."""
        return URL(scope=self.scope)

    @cached_property
    def base_url(self) -> URL:
        """The URL that the paths of routes are relative to."""
        root = self.scope.get("app_root_path", self.scope.get("root_path", ""))
        path = root if root.endswith("/") else f"{root}/"
        return URL(scope={**self.scope, "path": path, "query_string": b"", "root_path": root})

    @cached_property
    def headers(self) -> Headers:
        """The headers."""
        return Headers(scope=self.scope)

    @cached_property
    def query_params(self) -> QueryParams:
        """The parameters of the query string."""
        return QueryParams(self.scope["query_string"])

    @property
    def path_params(self) -> dict[str, Any]:
        """What the names in braces in the route's path stand for."""
        found: dict[str, Any] = self.scope.get("path_params", {})
        return found

    @cached_property
    def cookies(self) -> dict[str, str]:
        """The cookies."""
        cookies: dict[str, str] = {}
        for header in self.headers.getlist("cookie"):
            cookies.update(cookie_parser(header))
        return cookies

    @property
    def client(self) -> Address | None:
        """The peer; `None` on a Unix socket."""
        peer = self.scope.get("client")
        return None if peer is None else Address(*peer)

    @cached_property
    def state(self) -> State:
        """What the lifespan yielded, and what is kept during this request."""
        return State(self.scope.setdefault("state", {}))

    def url_for(self, name: str, /, **path_params: Any) -> URL:
        """The URL of the route of that name."""
        router = self.scope.get("router") or self.scope.get("app")
        if router is None:
            raise RuntimeError("`url_for` needs a request of an application.")
        path = router.url_path_for(name, **path_params)
        absolute: URL = path.make_absolute_url(base_url=self.base_url)
        return absolute


async def _no_receive() -> NoReturn:
    raise RuntimeError("Receive channel has not been made available")


class Request(HTTPConnection):
    """An HTTP request. Its body is read once, and only when asked for."""

    def __init__(self, scope: Scope, receive: Receive = _no_receive) -> None:
        super().__init__(scope)
        if scope["type"] != "http":
            raise ValueError(f"not an HTTP request: {scope['type']!r}")
        self._receive = receive
        self._body: bytes | None = None
        self._json: Any = _UNREAD
        self._stream_consumed = False
        self._is_disconnected = False
        self._ahead: list[Message] = []

    @property
    def method(self) -> str:
        """`GET`, `POST`, ..."""
        method: str = self.scope["method"]
        return method

    @property
    def receive(self) -> Receive:
        """The ASGI channel the body comes from."""
        return self._receive

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces as they arrive; the last one is empty.

        Raises:
            ClientDisconnect: The client went away.
            RuntimeError: The body was streamed before.
        """
        if self._body is not None:
            yield self._body
            yield b""
            return
        if self._stream_consumed:
            raise RuntimeError("Stream consumed")
        while not self._stream_consumed:
            chunk = self._chunk(self._ahead.pop(0) if self._ahead else await self._receive())
            if chunk:
                yield chunk
        yield b""

    def _chunk(self, message: Message) -> bytes:
        if message["type"] == "http.disconnect":
            self._is_disconnected = True
            raise ClientDisconnect
        self._stream_consumed = not message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body

    async def body(self) -> bytes:
        """The whole body."""
        if self._body is None:
            self._body = b"".join([chunk async for chunk in self.stream()])
        return self._body

    async def json(self) -> Any:
        """The body parsed as JSON.

        Raises:
            json.JSONDecodeError: The body is not JSON.
        """
        if self._json is _UNREAD:
            self._json = _loads(await self.body())
        return self._json

    async def is_disconnected(self) -> bool:
        """Whether the client has gone away."""
        body_may_follow = bool(self._ahead) and self._ahead[-1].get("more_body", False)
        if not self._is_disconnected and not body_may_follow:
            message = await _received_now(self._receive)
            if message is not None and message["type"] == "http.disconnect":
                self._is_disconnected = True
            elif message is not None:
                # A piece of the body came first: it is kept for `stream`.
                self._ahead.append(message)
        return self._is_disconnected


_UNREAD: Any = object()


def _loads(body: bytes) -> Any:
    """Parse JSON with the engine, and what it refuses with the standard library."""
    try:
        return _covet.json_loads(body)
    except ValueError:
        return json.loads(body)


async def _received_now(receive: Receive) -> Message | None:
    """The message that is there without waiting for it, if any."""
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    if not waiting.done():
        waiting.cancel()
        return None
    return waiting.result()
