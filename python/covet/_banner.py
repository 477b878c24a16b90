"""What a server prints when it starts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from covet import _covet, _loop

if TYPE_CHECKING:
    from covet.applications import Covet

__all__ = ["text"]


def text(app: Covet, server: _covet.Server, url: str) -> str:
    """The versions, the route table, warnings, and last the address."""
    routes = server.routes()
    return "\n".join(
        [
            f"covet {_covet.__version__} on {_loop.describe(asyncio.get_running_loop())}",
            *_table(routes),
            *(f"warning: {warning}" for warning in _warnings(app, url, routes)),
            f"listening on {url} (Ctrl-C to stop)",
        ]
    )


def _table(routes: list[tuple[str, str, str]]) -> list[str]:
    methods = max((len(route[0]) for route in routes), default=0)
    paths = max((len(route[1]) for route in routes), default=0)
    return [f"  {method:<{methods}}  {path:<{paths}}  {name}" for method, path, name in routes]


def _warnings(app: Covet, url: str, routes: list[tuple[str, str, str]]) -> list[str]:
    found = []
    if not routes:
        found.append("the application has no routes")
    if app.debug and not url.startswith(("http://127.", "http://[::1]", "http://localhost")):
        found.append("debug shows tracebacks to every client; it is on, and this is not localhost")
    return found
