"""One worker: the application's lifespan, the engine within the event loop, signals."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from covet import _banner, _loop
from covet._bind import Bind
from covet._covet import Server, Settings
from covet._loop import LoopName
from covet.exceptions import CovetError
from covet.logger import error_logger

if TYPE_CHECKING:
    from covet.applications import Covet

__all__ = ["Worker", "run", "serve"]

FAILED = 1
"""Exit status: it could not listen, or the lifespan failed at the end."""
START_UP_FAILED = 3
"""Exit status: the lifespan failed at the start."""
TICK = 1.0
"""Seconds between two looks for connections that have timed out."""
DRAIN_STEP = 0.02
"""Seconds between two looks at the requests still in flight while stopping."""


def run(
    app: Covet,
    bind: Bind,
    *,
    settings: Settings | None = None,
    loop: LoopName = "auto",
    graceful_timeout: float = 30.0,
) -> int:
    """Serve an application until a signal ends it; returns the exit status.

    Args:
        app: The application.
        bind: Where to listen.
        settings: The engine's limits.
        loop: The event loop to run on.
        graceful_timeout: Seconds that requests in flight get to finish.
    """
    try:
        new_loop = _loop.factory(loop)
    except CovetError as error:
        _report(error)
        return FAILED
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(
            serve(app, bind, settings=settings, graceful_timeout=graceful_timeout, banner=True)
        )


async def serve(
    app: Covet,
    bind: Bind,
    *,
    settings: Settings | None = None,
    graceful_timeout: float = 30.0,
    ready: Callable[[Worker], None] | None = None,
    banner: bool = False,
) -> int:
    """Serve an application in the running loop; returns the exit status.

    Args:
        app: The application.
        bind: Where to listen.
        settings: The engine's limits.
        graceful_timeout: Seconds that requests in flight get to finish.
        ready: Called once the worker accepts connections.
        banner: Whether to print what is served, and where, on stderr.
    """
    worker = Worker(app, bind, settings or Settings(), graceful_timeout)

    def announce(worker: Worker) -> None:
        if banner:
            print(_banner.text(app, worker.server, worker.url), file=sys.stderr, flush=True)
        if ready is not None:
            ready(worker)

    return await worker.run(announce)


class Worker:
    """An application being served in the running loop.

    SIGINT and SIGTERM stop it: no more connections, requests in flight finish, the lifespan
    ends. A second SIGINT ends it at once.

    Args:
        app: The application.
        bind: Where to listen.
        settings: The engine's limits.
        graceful_timeout: Seconds that requests in flight get to finish.
    """

    server: Server
    """The engine, once it listens."""
    url: str
    """The address it is reached at."""

    def __init__(self, app: Covet, bind: Bind, settings: Settings, graceful_timeout: float) -> None:
        self._app = app
        self._bind = bind
        self._settings = settings
        self._graceful_timeout = graceful_timeout
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._serving = False
        self._forced_by: int | None = None
        self._task: asyncio.Task[Any] | None = None

    def stop(self) -> None:
        """Finish what is in flight and end; to be called in the loop's thread."""
        self._stopping.set()

    async def run(self, ready: Callable[[Worker], None]) -> int:
        """Serve until stopped; returns the exit status."""
        self._task = asyncio.current_task()
        with self._signals():
            try:
                return await self._live(ready)
            except asyncio.CancelledError:
                if self._forced_by is None:
                    raise
                return 128 + self._forced_by

    @contextmanager
    def _signals(self) -> Iterator[None]:
        installed = []
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._loop.add_signal_handler(number, self._on_signal, number)
            except (ValueError, RuntimeError):
                # Only the main thread receives signals; elsewhere `stop` is the way to stop.
                continue
            installed.append(number)
        try:
            yield
        finally:
            for number in installed:
                self._loop.remove_signal_handler(number)

    def _on_signal(self, number: int) -> None:
        if self._serving and not self._stopping.is_set():
            self.stop()
        elif number == signal.SIGINT or not self._stopping.is_set():
            self._forced_by = number
            if self._task is not None:
                self._task.cancel()

    async def _live(self, ready: Callable[[Worker], None]) -> int:
        """The lifespan, and the serving within it."""
        lifespan = self._app.router.lifespan_context(self._app)
        try:
            state = await lifespan.__aenter__()
        except Exception:
            error_logger.exception("the lifespan failed at start-up")
            return START_UP_FAILED
        try:
            code = await self._serve(state, ready)
        except BaseException as error:
            if self._forced_by is None:
                await lifespan.__aexit__(type(error), error, error.__traceback__)
            raise
        try:
            await lifespan.__aexit__(None, None, None)
        except Exception:
            error_logger.exception("the lifespan failed at shut-down")
            return FAILED
        return code

    async def _serve(self, state: Mapping[str, Any] | None, ready: Callable[[Worker], None]) -> int:
        try:
            self.server = Server(self._app.compile(state), self._loop, self._settings)
        except CovetError as error:
            _report(error)
            return FAILED
        try:
            self.url = self._bind.open(self.server)
        except OSError as error:
            self.server.close()
            _report(error)
            return FAILED
        with self._attached():
            self._serving = True
            ready(self)
            await self._stopping.wait()
            await self._drain()
        # Handlers that were cancelled clean up before the lifespan takes away what they use.
        await asyncio.sleep(0)
        return 0

    @contextmanager
    def _attached(self) -> Iterator[None]:
        """The engine as part of the loop."""
        descriptor = self.server.fileno()
        self._loop.add_reader(descriptor, self.server.on_ready)
        ticking = self._loop.create_task(self._tick(), name="covet-tick")
        try:
            yield
        finally:
            ticking.cancel()
            self._loop.remove_reader(descriptor)
            self.server.close()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.server.tick()

    async def _drain(self) -> None:
        """Wait for the requests in flight, but no longer than they are given."""
        self.server.stop_listening()
        deadline = self._loop.time() + self._graceful_timeout
        while self.server.in_flight and self._loop.time() < deadline:
            await asyncio.sleep(DRAIN_STEP)
        left = self.server.in_flight
        if left:
            error_logger.warning(
                "cancelling what still runs after %g s; requests: %d", self._graceful_timeout, left
            )


def _report(error: Exception) -> None:
    print(f"covet: error: {_message(error)}", file=sys.stderr, flush=True)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
