"""Every program in examples/ starts, answers as it says, and ends on SIGTERM."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
COVET = Path(sys.executable).with_name("covet")

CASES: dict[str, list[tuple[str, str, Any, int, Any]]] = {
    # file: method, path, JSON to send, status, JSON expected (or None: not looked at)
    "hello": [
        ("GET", "/", None, 200, {"message": "Hello, world"}),
        ("GET", "/items/1?quantity=3", None, 200, {"name": "plane", "total": "114.00"}),
        ("GET", "/items/1?quantity=0", None, 422, None),
        ("GET", "/items/7", None, 404, {"detail": "there is no item 7"}),
        ("POST", "/items", {"name": "chisel", "price": "12.50"}, 201, {"id": 2}),
        ("GET", "/items/2", None, 200, {"name": "chisel", "total": "12.50"}),
        ("POST", "/items", {"name": "", "price": "12.50"}, 422, None),
        ("DELETE", "/items/1", None, 405, None),
    ],
}


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_example(name: str) -> None:
    with served(name) as client:
        for method, path, body, status, expected in CASES[name]:
            response = client.request(method, path, json=body)
            assert response.status_code == status, f"{method} {path}: {response.text}"
            if expected is not None:
                assert response.json() == expected, f"{method} {path}"


@contextmanager
def served(name: str) -> Iterator[httpx.Client]:
    """The example behind a client; it must end by itself within ten seconds of SIGTERM."""
    port = free_port()
    command = [str(COVET), "run", f"{name}:app", "--host", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(command, cwd=EXAMPLES, stdin=subprocess.DEVNULL) as process:
        try:
            wait_for(port, process)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
                yield client
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once the port accepts connections; fail if the process ends or takes too long."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the example ended with status {process.returncode}"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("the example did not start to listen")
