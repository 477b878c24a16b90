"""What runs around the whole life of an application: context managers, one inside the other."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeAlias, cast

__all__ = ["LifespanContext", "as_context", "merge"]

LifespanContext: TypeAlias = Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any] | None]]


def as_context(lifespan: Any) -> LifespanContext:
    """A lifespan in the form of a context manager; a bare generator function is made one."""
    if lifespan is None:
        return _nothing
    if inspect.isasyncgenfunction(lifespan):
        return asynccontextmanager(cast(Callable[[Any], AsyncGenerator[Any, None]], lifespan))
    if inspect.isgeneratorfunction(lifespan):
        return _from_generator(lifespan)
    return cast(LifespanContext, lifespan)


@asynccontextmanager
async def _nothing(app: Any) -> AsyncIterator[None]:
    yield None


def _from_generator(lifespan: Callable[[Any], Generator[Any, Any, Any]]) -> LifespanContext:
    context = contextlib.contextmanager(lifespan)

    @asynccontextmanager
    async def lifted(app: Any) -> AsyncIterator[Any]:
        with context(app) as state:
            yield state

    return lifted


def merge(outer: LifespanContext, inner: LifespanContext) -> LifespanContext:
    """Both, `inner` within `outer`; where they yield the same key, that of `outer` counts."""
    if inner is _nothing:
        return outer

    @asynccontextmanager
    async def merged(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        async with outer(app) as outer_state, inner(app) as inner_state:
            if outer_state is None and inner_state is None:
                yield None
            else:
                yield {**(inner_state or {}), **(outer_state or {})}

    return merged
