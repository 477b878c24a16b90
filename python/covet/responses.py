"""Responses: a status, headers, and a body that is there or still to be produced."""

from __future__ import annotations

import asyncio
import http.cookies
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from covet import _covet
from covet.datastructures import URL, MutableHeaders, RawHeaders

__all__ = [
    "Content",
    "HTMLResponse",
    "JSONResponse",
    "PlainTextResponse",
    "RedirectResponse",
    "Response",
    "StreamingResponse",
]

SameSite: TypeAlias = Literal["lax", "strict", "none"]
Content: TypeAlias = str | bytes | bytearray | memoryview


class Response:
    """A response whose body is given as text or bytes.

    Args:
        content: The body; text is encoded in `charset`.
        status_code: The status.
        headers: Headers to send. `content-length` and `content-type` are added unless given.
        media_type: The content type, instead of the class' own.
    """

    media_type: str | None = None
    charset = "utf-8"
    raw_headers: RawHeaders

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        self.status_code = status_code
        if media_type is not None:
            self.media_type = media_type
        self.body = self.render(content)
        self.init_headers(headers)

    def render(self, content: Any) -> bytes | memoryview:
        """Turn the content into the bytes of the body."""
        if content is None:
            return b""
        if isinstance(content, bytes):
            return content
        if isinstance(content, memoryview):
            return content.cast("B") if content.c_contiguous else content.tobytes()
        if isinstance(content, bytearray):
            return bytes(content)
        encoded: bytes = content.encode(self.charset)
        return encoded

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Set the headers, with the length and the type of the body unless they are among them."""
        given = MutableHeaders({} if headers is None else headers)
        body = getattr(self, "body", None)
        if body is not None and self._has_length():
            given.setdefault("content-length", str(len(body)))
        if self.media_type is not None:
            given.setdefault("content-type", self._content_type(self.media_type))
        self.raw_headers = given.raw

    def _has_length(self) -> bool:
        return self.status_code >= 200 and self.status_code not in (204, 304)

    def _content_type(self, media_type: str) -> str:
        if media_type.startswith("text/") and "charset=" not in media_type.lower():
            return f"{media_type}; charset={self.charset}"
        return media_type

    @property
    def headers(self) -> MutableHeaders:
        """The headers; changes to them are sent."""
        return MutableHeaders(raw=self.raw_headers)

    def set_cookie(
        self,
        key: str,
        value: str = "",
        max_age: int | None = None,
        expires: datetime | str | int | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Ask the client to keep a cookie.

        Args:
            key: Its name.
            value: Its value.
            max_age: Seconds until it expires; 0 removes it.
            expires: When it expires: a moment, text in HTTP format, or seconds from now.
            path: The path it is sent back to, with those below it.
            domain: The host it is sent back to, with its subdomains; by default this host only.
            secure: Whether it is sent back over HTTPS only.
            httponly: Whether scripts cannot see it.
            samesite: Which requests from other sites it is sent with.
            partitioned: Whether it is kept apart per top-level site; needs Python 3.14.
        """
        cookie: http.cookies.SimpleCookie = http.cookies.SimpleCookie({key: value})
        if isinstance(expires, datetime):
            expires = format_datetime(expires, usegmt=True)
        if samesite is not None and samesite.lower() not in ("lax", "strict", "none"):
            raise ValueError("samesite must be 'lax', 'strict' or 'none'")
        if partitioned and "partitioned" not in cookie[key]:
            raise ValueError("Partitioned cookies need Python 3.14 or later.")
        attributes: dict[str, Any] = {
            "max-age": max_age,
            "expires": expires,
            "path": path,
            "domain": domain,
            "secure": secure or None,
            "httponly": httponly or None,
            "samesite": samesite,
            "partitioned": partitioned or None,
        }
        for name, attribute in attributes.items():
            if attribute is not None:
                cookie[key][name] = attribute
        text = cookie.output(header="").strip()
        self.raw_headers.append((b"set-cookie", text.encode("latin-1")))

    def delete_cookie(
        self,
        key: str,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        httponly: bool = False,
        samesite: SameSite | None = "lax",
        partitioned: bool = False,
    ) -> None:
        """Ask the client to forget a cookie: one set with the same path and domain."""
        self.set_cookie(
            key,
            max_age=0,
            expires=0,
            path=path,
            domain=domain,
            secure=secure,
            httponly=httponly,
            samesite=samesite,
            partitioned=partitioned,
        )


class HTMLResponse(Response):
    """HTML."""

    media_type = "text/html"


class PlainTextResponse(Response):
    """Plain text."""

    media_type = "text/plain"


class JSONResponse(Response):
    """JSON, written by the engine.

    It takes all that `covet.json.dumps` takes, so more than Starlette's class: dates, UUIDs,
    decimals, dataclasses and pydantic models among them.
    """

    media_type = "application/json"

    def __init__(
        self,
        content: Any,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        super().__init__(content, status_code, headers, media_type)

    def render(self, content: Any) -> bytes:
        """Write the content as JSON."""
        return _covet.json_dumps(content)


class RedirectResponse(Response):
    """Sends the client to another URL, by default with the same method and body (307)."""

    def __init__(
        self,
        url: str | URL,
        status_code: int = 307,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(b"", status_code, headers)
        self.headers["location"] = quote(str(url), safe=":/%#?=@[]!$&'()*+,;")


class StreamingResponse(Response):
    """A body that is sent while it is being produced.

    Args:
        content: Yields text or bytes. An iterable that is not asynchronous is advanced in a
            thread, so that it may block.
        status_code: The status.
        headers: Headers to send.
        media_type: The content type.
    """

    body_iterator: AsyncIterable[Content]

    def __init__(
        self,
        content: AsyncIterable[Content] | Iterable[Content],
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
    ) -> None:
        self.body_iterator = (
            content if isinstance(content, AsyncIterable) else _iterate_in_thread(content)
        )
        self.status_code = status_code
        if media_type is not None:
            self.media_type = media_type
        self.init_headers(headers)

    async def stream_to(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        """Pass every piece of the body to `send`, and close the iterator however that ends."""
        try:
            async for chunk in self.body_iterator:
                await send(chunk.encode(self.charset) if isinstance(chunk, str) else bytes(chunk))
        finally:
            close = getattr(self.body_iterator, "aclose", None)
            if close is not None:
                await close()


_END: Any = object()


async def _iterate_in_thread(content: Iterable[Content]) -> AsyncIterator[Content]:
    iterator = iter(content)
    step: asyncio.Future[Content] | None = None
    try:
        while True:
            step = asyncio.ensure_future(asyncio.to_thread(next, iterator, _END))
            chunk = await asyncio.shield(step)
            if chunk is _END:
                return
            yield chunk
    finally:
        await _close_in_thread(iterator, step)


async def _close_in_thread(iterator: Any, step: asyncio.Future[Content] | None) -> None:
    """Close a generator, once the step it may still be in is over: it cannot be closed before."""
    close = getattr(iterator, "close", None)
    if close is None:
        return
    if step is not None and not step.done():
        step.add_done_callback(lambda done: _close_after(done, close))
    else:
        await asyncio.to_thread(close)


def _close_after(step: asyncio.Future[Content], close: Callable[[], None]) -> None:
    if not step.cancelled() and step.exception() is None:
        step.get_loop().run_in_executor(None, close)
