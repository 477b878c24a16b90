"""Type aliases of ASGI and of the public signatures."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic.main import IncEx

__all__ = [
    "ASGIApp",
    "AppType",
    "DecoratedCallable",
    "IncEx",
    "Lifespan",
    "Message",
    "Receive",
    "Scope",
    "Send",
    "StatefulLifespan",
    "StatelessLifespan",
    "SyncMode",
    "UnionType",
]

AppType = TypeVar("AppType")
DecoratedCallable = TypeVar("DecoratedCallable", bound=Callable[..., Any])

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGIApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

StatelessLifespan: TypeAlias = Callable[[AppType], AbstractAsyncContextManager[None]]
StatefulLifespan: TypeAlias = Callable[[AppType], AbstractAsyncContextManager[Mapping[str, Any]]]
Lifespan: TypeAlias = StatelessLifespan[AppType] | StatefulLifespan[AppType]

UnionType = types.UnionType

SyncMode: TypeAlias = Literal["thread", "inline"]
"""How a `def` handler runs: in the worker pool, or on the event loop."""
