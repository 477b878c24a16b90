"""`covet run` as a process: what it prints, how it stops, what it exits with."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
from process import endless_request, running

APP = """
import asyncio, os
from contextlib import asynccontextmanager
from covet import APIRouter, Covet, Request

@asynccontextmanager
async def lifespan(app):
    if os.environ.get("FAIL") == "start":
        raise RuntimeError("no database")
    if os.environ.get("FAIL") == "hang":
        print("hanging", flush=True)
        await asyncio.sleep(60)
    print("up", flush=True)
    yield {"answer": 42}
    print("down", flush=True)
    if os.environ.get("FAIL") == "stop":
        raise RuntimeError("no farewell")

app = Covet(lifespan=lifespan)

@app.get("/answer")
async def answer(request: Request):
    return request.state.answer

@app.get("/sleep/{seconds}")
async def sleep(seconds: float):
    print("sleeping", flush=True)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
    return "slept"

clash = Covet()
clash.get("/items/{a}", name="first")(answer)
clash.get("/items/{b}", name="second")(answer)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(APP)
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_starts_serves_and_stops(project: Path, loop: str, number: signal.Signals) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with running(project, "--port", "0", "--loop", loop) as server:
        assert httpx.get(f"{server.url}/answer").json() == 42
        server.send(number)
        assert server.exit_status() == 0
    assert re.search(rf"covet \S+ on \w+ \S+, {loop}", server.printed)
    assert re.search(r"GET\S*\s+/sleep/\{seconds\}\s+sleep", server.printed)
    assert server.printed.index("up") < server.printed.index("listening")
    assert server.printed.rstrip().endswith("down")


def test_requests_in_flight_finish(project: Path) -> None:
    with running(project, "--port", "0") as server:
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(httpx.get(f"{server.url}/sleep/1", timeout=10))
        )
        asking.start()
        server.wait_for("sleeping")
        server.send(signal.SIGTERM)
        asking.join()
        assert answers[0].json() == "slept"
        assert server.exit_status() == 0


def test_requests_in_flight_do_not_take_forever(project: Path) -> None:
    with (
        running(project, "--port", "0", "--graceful-timeout", "0.2") as server,
        endless_request(server),
    ):
        server.send(signal.SIGTERM)
        assert server.exit_status() == 0
    assert "cancelling what still runs after 0.2 s; requests: 1" in server.printed
    assert server.printed.index("cancelled") < server.printed.index("down")


def test_a_second_ctrl_c_ends_at_once(project: Path) -> None:
    with running(project, "--port", "0") as server, endless_request(server):
        server.send(signal.SIGINT)
        time.sleep(0.3)
        server.send(signal.SIGTERM)
        time.sleep(0.3)
        assert server.process.poll() is None
        server.send(signal.SIGINT)
        assert server.exit_status() == 128 + signal.SIGINT


def test_ctrl_c_while_starting(project: Path) -> None:
    with running(project, "--port", "0", fail="hang") as server:
        server.wait_for("hanging")
        server.send(signal.SIGINT)
        assert server.exit_status() == 128 + signal.SIGINT


@pytest.mark.parametrize(
    ("fail", "status", "message"),
    [("start", 3, "RuntimeError: no database"), ("stop", 1, "RuntimeError: no farewell")],
)
def test_a_lifespan_that_fails(project: Path, fail: str, status: int, message: str) -> None:
    with running(project, "--port", "0", fail=fail) as server:
        if fail == "stop":
            assert server.url
            server.send(signal.SIGTERM)
        assert server.exit_status() == status
    assert message in server.printed


def test_a_port_in_use(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running(project, "--port", port) as server:
            assert server.exit_status() == 1
    assert f"covet: error: cannot listen on 127.0.0.1:{port}: Address already" in server.printed
    assert "Traceback" not in server.printed
    assert server.printed.rstrip().splitlines()[0:1] == ["up"]
    assert "down" in server.printed


def test_routes_that_conflict(project: Path) -> None:
    with running(project, "--port", "0", target="main:clash") as server:
        assert server.exit_status() == 1
    last = server.printed.rstrip().splitlines()[-1]
    assert last.startswith("covet: error: ")
    assert "/items/{a}" in last
    assert "/items/{b}" in last


def test_a_unix_socket(project: Path) -> None:
    path = str(project / "socket")
    with running(project, "--uds", path) as server:
        assert server.url == f"unix:{path}"
        with httpx.Client(transport=httpx.HTTPTransport(uds=path)) as client:
            assert client.get("http://h/answer").json() == 42
        server.send(signal.SIGTERM)
        assert server.exit_status() == 0
    assert not Path(path).exists()


def test_an_inherited_socket(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        with running(project, "--fd", str(listener.fileno()), fd=listener.fileno()) as server:
            assert server.url == f"http://{host}:{port}"
            assert httpx.get(f"{server.url}/answer").json() == 42
            server.send(signal.SIGTERM)
            assert server.exit_status() == 0


def test_a_descriptor_that_is_no_socket(project: Path) -> None:
    with running(project, "--fd", "99") as server:
        assert server.exit_status() == 1
    assert "covet: error: descriptor 99 is not a socket" in server.printed


def test_reload(project: Path) -> None:
    with running(project, "--port", "0", "--reload") as server:
        url = server.url
        assert httpx.get(f"{url}/answer").json() == 42
        (project / "main.py").write_text(APP.replace('"answer": 42', '"answer": 43'))
        deadline = time.monotonic() + 20
        answer = 42
        while answer == 42 and time.monotonic() < deadline:
            # Every one of these must be answered: none may find the port closed.
            answer = httpx.get(f"{url}/answer", timeout=20).json()
        assert answer == 43
        server.send(signal.SIGINT)
        assert server.exit_status() == 0
    assert "main.py changed, restarting" in server.printed
