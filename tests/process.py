"""`covet run` as a process of its own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

LISTENING = re.compile(r"listening on (\S+) ")


class Server:
    """A running `covet run`, and what it printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.printed = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line

    def wait_for(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.printed):
                return found
            time.sleep(0.01)
        raise AssertionError(f"no {pattern!r} in:\n{self.printed}")

    @property
    def url(self) -> str:
        return self.wait_for(LISTENING.pattern)[1]

    @property
    def port(self) -> int:
        port = httpx.URL(self.url).port
        assert port is not None
        return port

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_status(self) -> int:
        status = self.process.wait(20)
        self._reader.join(5)
        return status


@contextlib.contextmanager
def running(
    project: Path, *arguments: str, fail: str = "", target: str = "main:app", fd: int | None = None
) -> Iterator[Server]:
    """`covet run TARGET` in a directory; ended with the block, if it still runs."""
    command = [sys.executable, "-m", "covet", "run", target, *arguments]
    with subprocess.Popen(
        command,
        cwd=project,
        env={**os.environ, "FAIL": fail},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        pass_fds=() if fd is None else (fd,),
    ) as process:
        try:
            yield Server(process)
        finally:
            # Not killed at once: a supervisor has a child to end.
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


@contextlib.contextmanager
def endless_request(server: Server) -> Iterator[None]:
    """A request whose handler sleeps for longer than any test."""
    url = httpx.URL(server.url)
    assert url.port is not None
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(b"GET /sleep/60 HTTP/1.1\r\nhost: h\r\n\r\n")
        server.wait_for("sleeping")
        yield
