"""An application being served in this process, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import pytest

from covet import Covet, _loop, _server
from covet._bind import Bind
from covet._covet import Settings
from covet._loop import LoopName

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds after which something that should have happened counts as missing."""


class Served:
    """An application that is being served on a free port of 127.0.0.1."""

    port: int
    base_url: str
    loop: asyncio.AbstractEventLoop
    """The loop it runs in, on another thread."""
    worker: _server.Worker
    outcome: int | BaseException | None
    """What `serve` returned, or what the loop ended with."""
    problems: list[dict[str, Any]]
    """What was passed to the loop's exception handler. Take out what a test expects."""

    def __init__(
        self,
        app: Covet,
        settings: Settings | None,
        loop: LoopName,
        configure: Callable[[asyncio.AbstractEventLoop], None] | None,
        graceful_timeout: float,
    ) -> None:
        self.outcome = None
        self.problems = []
        self._configure = configure
        self._ready = threading.Event()
        self._app = app
        self._settings = settings
        self._graceful_timeout = graceful_timeout
        self._loop_name = loop
        self._thread = threading.Thread(target=self._live, name=f"serve-{loop}")

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns when it runs in the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def call(self, function: Callable[[], T]) -> T:
        """What a function returns when it is called by the server's loop, outside any task."""
        result: list[T] = []
        called = threading.Event()

        def call() -> None:
            try:
                result.append(function())
            finally:
                called.set()

        self.loop.call_soon_threadsafe(call)
        assert called.wait(PATIENCE), "the loop is stuck"
        return result[0]

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(PATIENCE), "the server did not start"
        assert hasattr(self, "port"), f"the server ended with {self.outcome!r}"

    def stop(self) -> None:
        """Stop as a signal would."""
        with contextlib.suppress(RuntimeError):  # The loop may be closed already.
            self.loop.call_soon_threadsafe(self.worker.stop)
        self.join()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the server did not stop"

    def _announce(self, worker: _server.Worker) -> None:
        self.worker = worker
        self.base_url = worker.url
        self.port = int(worker.url.rpartition(":")[2])
        self._ready.set()

    async def _serve(self) -> int:
        return await _server.serve(
            self._app,
            Bind("127.0.0.1", 0),
            settings=self._settings,
            graceful_timeout=self._graceful_timeout,
            ready=self._announce,
        )

    def _live(self) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop.factory(self._loop_name)) as runner:
                self.loop = runner.get_loop()
                self.loop.set_exception_handler(lambda _, context: self.problems.append(context))
                if self._configure is not None:
                    self._configure(self.loop)
                self.outcome = runner.run(self._serve())
                gc.collect()  # What was lost complains when it is destroyed.
        except BaseException as error:
            self.outcome = error
        finally:
            self._ready.set()


class Serve(Protocol):
    """The type of the fixture `serve`."""

    def __call__(
        self,
        app: Covet,
        *,
        settings: Settings | None = None,
        loop: LoopName = "asyncio",
        configure: Callable[[asyncio.AbstractEventLoop], None] | None = None,
        graceful_timeout: float = 5.0,
        stops: bool = True,
    ) -> AbstractContextManager[Served]:
        """Serve while the `with` block runs; then stop, and see that nothing was lost.

        Args:
            app: The application.
            settings: The engine's limits.
            loop: The event loop to run on.
            configure: Called with the loop before it runs.
            graceful_timeout: Seconds that requests in flight get to finish.
            stops: Whether the server is to be stopped; otherwise it has to end by itself, and the
                test looks at `outcome`.
        """


@contextlib.contextmanager
def _serve(
    app: Covet,
    *,
    settings: Settings | None = None,
    loop: LoopName = "asyncio",
    configure: Callable[[asyncio.AbstractEventLoop], None] | None = None,
    graceful_timeout: float = 5.0,
    stops: bool = True,
) -> Iterator[Served]:
    served = Served(app, settings, loop, configure, graceful_timeout)
    served.start()
    try:
        yield served
    except BaseException:
        # The test has failed already: what follows is no news.
        with contextlib.suppress(Exception):
            served.stop()
        raise
    if stops:
        served.stop()
        assert served.outcome == 0, f"the server ended with {served.outcome!r}"
    else:
        served.join()
    assert served.problems == [], "the loop's exception handler was called"


@pytest.fixture
def serve() -> Serve:
    """Serve an application while a `with` block runs."""
    return _serve


@pytest.fixture(params=["asyncio", "uvloop"])
def loop_name(request: pytest.FixtureRequest) -> LoopName:
    """Every loop that an application can be served on."""
    name: LoopName = request.param
    if name == "uvloop":
        pytest.importorskip("uvloop")
    return name
