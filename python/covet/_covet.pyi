"""The engine: the extension module that serves every request."""

import asyncio
from typing import Any, final

from covet._plan import AppSpec

__all__ = ["Server", "Settings", "__version__", "json_dumps", "json_loads"]

__version__: str

def json_dumps(obj: object, /) -> bytes: ...
def json_loads(data: bytes | bytearray | memoryview | str, /) -> Any: ...

@final
class Settings:
    """Limits of the server; every one is a bound. Times are in seconds, sizes in bytes."""

    def __new__(
        cls,
        *,
        max_connections: int = 10_000,
        max_head_size: int = 65_536,
        max_uri_size: int = 16_384,
        max_headers: int = 100,
        max_body_size: int = 16_777_216,
        max_pipelined: int = 64,
        output_limit: int = 1_048_576,
        header_timeout: float = 20.0,
        body_timeout: float = 60.0,
        write_timeout: float = 60.0,
        keep_alive_timeout: float = 75.0,
        thread_limit: int = 40,
        thread_queue: int = 1024,
    ) -> Settings: ...

@final
class Server:
    """One worker: listeners and connections, driven by the running asyncio loop."""

    def __new__(
        cls, spec: AppSpec, loop: asyncio.AbstractEventLoop, settings: Settings
    ) -> Server: ...
    def bind_tcp(self, host: str, port: int, backlog: int = 2048) -> tuple[str, int]:
        """Listen on an address; returns the address that was bound."""

    def bind_unix(self, path: str, backlog: int = 2048) -> None: ...
    def bind_fd(self, fd: int, backlog: int = 2048) -> None: ...
    def fileno(self) -> int:
        """The descriptor that is readable whenever there is something to do."""

    def on_ready(self) -> None:
        """Handle everything that is ready: the callback of `loop.add_reader`."""

    def tick(self) -> None:
        """Close what has timed out; to be called about once a second."""

    def stop_listening(self) -> None:
        """Refuse new connections; those open end after the request they are in."""

    @property
    def connections(self) -> int: ...
    @property
    def in_flight(self) -> int:
        """Requests whose response is not yet fully written."""

    def replay(self, requests: bytes, rounds: int) -> int:
        """Answer the same requests `rounds` times without sockets; returns nanoseconds.

        For measuring: the answers are thrown away. To be called from a callback of the loop, with
        requests whose handlers do not wait.
        """

    def close(self) -> None:
        """Close every connection and stop the threads."""

    def routes(self) -> list[tuple[str, str, str]]:
        """The route table: methods, path (with host), name."""
