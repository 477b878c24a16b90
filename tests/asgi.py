"""Requests to an ASGI application, with the scope that uvicorn would make of them."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from raw_http import Reply


async def ask(
    app: Any, method: str, target: str, headers: list[tuple[str, str]], body: bytes
) -> Reply:
    """The response of an ASGI application."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            *(
                (name.lower().encode(), value.strip(" \t").encode("latin-1"))
                for name, value in headers
            ),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "state": {},
    }
    reply = Reply(0)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            reply.status = message["status"]
            reply.headers = [
                (name.decode().lower(), value.decode("latin-1"))
                for name, value in message["headers"]
            ]
        else:
            reply.body += message.get("body", b"")

    try:
        await app(scope, receive, send)
    except Exception:
        # Starlette raises again what it has answered with 500.
        assert reply.status == 500
    return reply


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    return name.lower().encode(), value.strip(" \t").encode("latin-1")
