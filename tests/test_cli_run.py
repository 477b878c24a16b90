"""`covet run`: addresses, errors a user makes, restarts, and stopping under load."""

from __future__ import annotations

import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from process import Server, running
from raw_http import Connection, eventually, request

APP = """
import asyncio, time
from contextlib import asynccontextmanager
from covet import Covet, Request
from covet.responses import StreamingResponse

@asynccontextmanager
async def lifespan(app):
    print("up", flush=True)
    yield
    print("down", flush=True)

app = Covet(lifespan=lifespan)

@app.get("/version")
async def version():
    return 1

@app.get("/sleep/{seconds}")
async def sleep(seconds: float):
    print("sleeping", flush=True)
    await asyncio.sleep(seconds)
    print("slept", flush=True)
    return "slept"

@app.get("/thread")
def thread():
    print("sleeping", flush=True)
    time.sleep(0.5)
    return "slept"

@app.get("/stream")
async def stream():
    async def pieces():
        print("sleeping", flush=True)
        for number in range(5):
            await asyncio.sleep(0.1)
            yield str(number)
    return StreamingResponse(pieces())

@app.post("/upload")
async def upload(request: Request):
    print("sleeping", flush=True)
    return len(await request.body())

class Holder:
    app = app

text = "no app"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(APP)
    (tmp_path / "broken.py").write_text("import no_such_module\n")
    (tmp_path / "wrong.py").write_text("def (:\n")
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("from main import app\n")
    return tmp_path


def failed(project: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of a command that ends by itself, and what it printed."""
    command = [sys.executable, "-m", "covet", "run", *arguments]
    done = subprocess.run(
        command, cwd=project, capture_output=True, text=True, timeout=30, check=False
    )
    return done.returncode, done.stdout + done.stderr


MISTAKES = [
    (["nowhere:app"], 1, "covet: error: no module named 'nowhere'"),
    (["main:nothing"], 1, "covet: error: module 'main' has no attribute 'nothing'"),
    (["main:text"], 1, "covet: error: main:text is not a Covet application but 'no app'"),
    (["main.py"], 1, "covet: error: 'main.py' is a file; name the module instead: main:app"),
    (["main:app", "--port", "x"], 2, "argument --port: invalid int value: 'x'"),
    (["main:app", "--host", "256.1.1.1"], 1, "covet: error: cannot listen on 256.1.1.1:8000: "),
    (["main:app", "--uds", "/no/such/dir/s"], 1, "covet: error: cannot listen on /no/such/dir/s: "),
    ([], 2, "the following arguments are required: MODULE"),
]


@pytest.mark.parametrize(("arguments", "status", "message"), MISTAKES)
def test_mistakes(project: Path, arguments: list[str], status: int, message: str) -> None:
    code, printed = failed(project, *arguments)
    assert code == status
    assert message in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("module", "error"),
    [("broken", "ModuleNotFoundError: No module named 'no_such_module'"), ("wrong", "SyntaxError")],
)
def test_an_application_that_fails_shows_why(project: Path, module: str, error: str) -> None:
    code, printed = failed(project, module)
    assert code == 1
    assert "Traceback" in printed or module == "wrong"
    assert error in printed


@pytest.mark.parametrize("target", ["main", "main:Holder.app", "package:app"])
def test_targets(project: Path, target: str) -> None:
    with running(project, "--port", "0", target=target) as server:
        assert httpx.get(f"{server.url}/version").json() == 1


def has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="there is no IPv6 here")
@pytest.mark.parametrize("reload", [False, True])
def test_ipv6(project: Path, reload: bool) -> None:
    options = ["--reload"] if reload else []
    with running(project, "--host", "::1", "--port", "0", *options) as server:
        assert re.fullmatch(r"http://\[::1\]:\d+", server.url)
        assert httpx.get(f"{server.url}/version").json() == 1
    # All addresses, those of IPv4 too.
    with running(project, "--host", "::", "--port", "0", *options) as server:
        for host in ("::1", "127.0.0.1"):
            with Connection(server.port, host=host) as client:
                assert client.get("/version").body == b"1"


def test_a_unix_socket_that_is_taken(project: Path) -> None:
    path = str(project / "socket")
    with running(project, "--uds", path) as server:
        server.wait_for("listening on unix:")
        code, printed = failed(project, "main:app", "--uds", path)
        assert (code, "Traceback" in printed) == (1, False)
        assert f"cannot listen on {path}: Address already in use" in printed
        with Connection(uds=path) as client:
            assert client.get("/version").body == b"1"
        server.send(signal.SIGKILL)
        server.exit_status()
    # Nobody listens on the file that is left: it is replaced.
    with running(project, "--uds", path) as server:
        server.wait_for("listening on unix:")
        with Connection(uds=path) as client:
            assert client.get("/version").body == b"1"


def test_a_file_is_not_replaced_by_a_socket(project: Path) -> None:
    path = project / "main.py"
    code, printed = failed(project, "main:app", "--uds", str(path))
    assert code == 1
    assert "Address already in use" in printed
    assert path.read_text() == APP


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_in_flight_finishes(project: Path, loop: str, number: signal.Signals) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    with running(project, "--port", "0", "--loop", loop) as server, ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.port)) for _ in range(5)]
        sleeper, threaded, streaming, uploading, idle = clients
        assert idle.get("/version").body == b"1"
        sleeper.send(request("GET", "/sleep/0.5") * 3)
        threaded.send(request("GET", "/thread"))
        streaming.send(request("GET", "/stream"))
        uploading.send(request("POST", "/upload", "content-length: 10") + b"half.")
        eventually(lambda: server.printed.count("sleeping") == 6, "six handlers")
        server.send(number)
        # The idle connection is closed at once, the others after their responses.
        assert idle.is_over()
        with pytest.raises(OSError, match="refused"):
            Connection(server.port)
        for _ in range(3):
            assert sleeper.reply().body == b'"slept"'
        assert threaded.reply().body == b'"slept"'
        assert streaming.reply().body == b"01234"
        uploading.send("other")
        assert uploading.reply().body == b"10"
        for client in clients:
            assert client.is_over()
        assert server.exit_status() == 0
    assert server.printed.rstrip().endswith("down")
    assert "Traceback" not in server.printed


def test_stopping_under_load(project: Path) -> None:
    """Every response that began is whole, whatever the moment of the signal."""
    with running(project, "--port", "0") as server:
        port = server.port
        whole: list[int] = []
        errors: list[str] = []

        def load() -> None:
            with Connection(port) as client:
                while True:
                    try:
                        client.send(request("GET", "/version") * 10)
                        for _ in range(10):
                            reply = client.reply()
                            assert reply.body == b"1"
                            whole.append(1)
                            if reply.all("connection") == ["close"]:
                                return
                    except AssertionError as error:
                        # The end may come between two responses, never within one.
                        if "closed after b''" not in str(error):
                            errors.append(str(error))
                        return
                    except OSError:
                        return

        threads = [threading.Thread(target=load) for _ in range(8)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(whole) > 500, "some load")
        server.send(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert server.exit_status() == 0
    assert errors == []
    assert "Traceback" not in server.printed


def test_reload_refuses_nobody(project: Path) -> None:
    main = project / "main.py"
    with running(project, "--port", "0", "--reload") as server:
        url = server.url
        seen: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            while not stop.is_set():
                # One connection each: a closed port, or one that is reset, fails the test.
                seen.append(httpx.get(f"{url}/version", timeout=20).json())

        asking = threading.Thread(target=ask)
        asking.start()
        for version in (2, 3):
            eventually(lambda: version - 1 in seen)  # noqa: B023
            main.write_text(APP.replace("return 1\n", f"return {version}\n"))
        eventually(lambda: 3 in seen, "the new code")
        stop.set()
        asking.join()
        assert sorted(seen) == seen
        server.send(signal.SIGTERM)
        assert server.exit_status() == 0


def test_reload_survives_a_mistake(project: Path) -> None:
    main = project / "main.py"
    with running(project, "--port", "0", "--reload") as server:
        url = server.url
        assert httpx.get(f"{url}/version").json() == 1
        main.write_text("def (:\n")
        server.wait_for("SyntaxError")
        main.write_text(APP.replace("return 1\n", "return 2\n"))
        assert httpx.get(f"{url}/version", timeout=20).json() == 2
        server.send(signal.SIGINT)
        assert server.exit_status() == 0


@pytest.mark.parametrize("options", [[], ["--reload"]])
def test_a_unix_socket_goes_with_its_server(project: Path, options: list[str]) -> None:
    path = project / "socket"
    with running(project, "--uds", str(path), *options) as server:
        server.wait_for("listening on unix:")
        with Connection(uds=str(path)) as client:
            assert client.get("/version").body == b"1"
        server.send(signal.SIGTERM)
        assert server.exit_status() == 0
    assert not path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="sets a limit of another process")
def test_running_out_of_descriptors(project: Path) -> None:
    with running(project, "--port", "0") as server, ExitStack() as stack:
        with Connection(server.port) as client:
            client.get("/version")
        used = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (used + 5, used + 5))
        clients = [stack.enter_context(Connection(server.port)) for _ in range(12)]
        for client in clients:
            client.send(request("GET", "/version"))
        assert clients[0].reply().body == b"1"
        before = cpu_seconds(server)
        time.sleep(1)
        assert cpu_seconds(server) - before < 0.5, "it is busy waiting"
        for client in clients:
            # Each that leaves makes room for one that waits.
            if client is not clients[0]:
                assert client.reply().body == b"1"
            client.socket.close()
        server.send(signal.SIGTERM)
        assert server.exit_status() == 0


def cpu_seconds(server: Server) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
