"""The task a handler runs in.

The engine keeps a few tasks and runs one handler after another in each, as long as none leaves
a trace on it. A handler that suspends, or touches its task, keeps that task for itself. To the
handler it is a task like any other; what would outlive the handler is noted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any


class Task(asyncio.Task[Any]):
    """An `asyncio.Task` that notes when it is touched."""

    def done(self) -> bool:
        """Whether the task has ended. One that waits in the pool belongs to nobody: it has."""
        return bool(self._driver().parked) or super().done()

    def get_coro(self) -> Any:
        """The handler's coroutine."""
        return self._driver().coroutine

    _coro = property(get_coro)

    def get_name(self) -> str:
        """The task's name, which no other task will have."""
        self._driver().touch()
        return super().get_name()

    if sys.version_info >= (3, 12):

        def get_context(self) -> Any:
            """The context the task runs in, which no other task will have."""
            self._driver().touch()
            return super().get_context()

    def cancel(self, msg: Any | None = None) -> bool:
        """Request cancellation."""
        self._driver().touch()
        return super().cancel(msg)

    def uncancel(self) -> int:
        """Undo one request for cancellation."""
        self._driver().touch()
        return super().uncancel()

    def add_done_callback(self, fn: Any, /, *, context: Any = None) -> None:
        """Call `fn(task)` when the task has ended."""
        self._driver().touch()
        super().add_done_callback(fn, context=context)

    def set_name(self, value: object, /) -> None:
        """Name the task."""
        self._driver().touch()
        super().set_name(value)

    def __setattr__(self, name: str, value: object) -> None:
        self._driver().touch()
        super().__setattr__(name, value)

    def __del__(self) -> None:
        # A handler that can never go on is worth asyncio's complaint. That an exception was
        # never retrieved is not, for the engine answers it; nor that a pooled task, which was
        # waiting for nothing, ends with its loop.
        if self._driver().running:
            super().__del__()

    def _driver(self) -> Any:
        return super().get_coro()

    @property
    def _fut_waiter(self) -> Any:
        return None if self._driver().serving else super()._fut_waiter  # type: ignore[misc]


async def call(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function where there is no task to call it in: in that of this coroutine."""
    return function(*args, **kwargs)
