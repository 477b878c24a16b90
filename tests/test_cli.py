"""The command line, as far as it goes without serving; and the supervisor of --reload."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from covet import _reload, cli
from covet._bind import Bind
from covet.exceptions import CovetError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with an application in it."""
    (tmp_path / "catalogue.py").write_text(
        "from covet import Covet\n"
        "app = Covet(title='one')\n"
        "class Apps:\n    other = Covet(title='two')\n"
        "text = 'no app'\n"
    )
    (tmp_path / "needs.py").write_text("import something_not_installed\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("catalogue", None)


@pytest.mark.parametrize(
    ("target", "title"),
    [("catalogue:app", "one"), ("catalogue", "one"), ("catalogue:Apps.other", "two")],
)
def test_load(project: Path, target: str, title: str) -> None:
    assert cli.load(target).title == title


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere:app", "no module named 'nowhere'"),
        ("catalogue.sub:app", "no module named 'catalogue.sub'"),
        ("catalogue:nothing", "module 'catalogue' has no attribute 'nothing'"),
        ("catalogue:Apps.nothing", "module 'catalogue' has no attribute 'Apps.nothing'"),
        ("catalogue:text", "catalogue:text is not a Covet application but 'no app'"),
        ("catalogue.py", "'catalogue.py' is a file; name the module instead: catalogue:app"),
        ("./sub/main.py", "name the module instead: sub.main:app"),
    ],
)
def test_load_says_what_is_wrong(project: Path, target: str, message: str) -> None:
    with pytest.raises(CovetError) as caught:
        cli.load(target)
    assert message in str(caught.value)


def test_a_fault_of_the_application_keeps_its_traceback(project: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="something_not_installed"):
        cli.load("needs:app")


def test_main_tells_faults_in_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "nowhere:app"]) == 1
    assert capsys.readouterr().err.startswith("covet: error: no module named 'nowhere' in ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("covet ")


def test_the_child_of_reload_gets_every_option() -> None:
    parser = cli._parser()
    given = ["--loop", "asyncio", "--graceful-timeout", "1.5", "--max-body-size", "7"]
    options = parser.parse_args(["run", "m:app", "--reload", *given])
    command = cli._child_command(options, 9)
    child = parser.parse_args(command[3:])
    assert (child.target, child.fd, child.reload) == ("m:app", 9, False)
    assert (child.loop, child.graceful_timeout, child.max_body_size) == ("asyncio", 1.5, 7)


def test_every_limit_is_a_setting() -> None:
    options = cli._parser().parse_args(
        ["run", "m", *(part for name, _, _ in cli.LIMITS for part in (cli._option(name), "9"))]
    )
    cli.Settings(**cli._settings(options))


def test_a_port_in_use_is_named() -> None:
    with Bind(port=0).listen() as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: "):
            Bind(port=port).listen()


def test_a_stale_socket_file_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    Bind(uds=path).listen().close()
    with Bind(uds=path).listen(), pytest.raises(OSError, match="cannot listen on"):
        Bind(uds=path).listen()
    (tmp_path / "file").write_text("precious")
    with pytest.raises(OSError, match="cannot listen on"):
        Bind(uds=str(tmp_path / "file")).listen()
    assert (tmp_path / "file").read_text() == "precious"


@pytest.mark.parametrize("watcher", ["watchfiles", "polling"])
def test_changes(tmp_path: Path, watcher: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if watcher == "polling":
        monkeypatch.setitem(sys.modules, "watchfiles", None)
    else:
        pytest.importorskip("watchfiles")
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    stop = threading.Event()
    changes = _reload.changes([str(tmp_path)], stop)
    assert next(changes) == set()
    for name in ("a.py", "a.txt", "__pycache__/b.py", "new.py"):
        (tmp_path / name).write_text("2")
    found: set[str] = set()
    deadline = time.monotonic() + 10
    while len(found) < 2 and time.monotonic() < deadline:
        found |= next(changes)
    assert found == {str(tmp_path / "a.py"), str(tmp_path / "new.py")}
    stop.set()
    assert not any(changes)


CHILD = """
import os, signal, socket, sys
listener = socket.socket(fileno=int(sys.argv[1]))
answer = open("answer.py", "rb").read()
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
while True:
    connection, _ = listener.accept()
    connection.sendall(answer)
    connection.close()
"""


def test_supervise_refuses_no_connection(tmp_path: Path) -> None:
    (tmp_path / "child.txt").write_text(CHILD)
    (tmp_path / "answer.py").write_text("one")
    supervisor = (
        "import sys; from covet import _reload; from covet._bind import Bind\n"
        "listener = Bind(port=0).listen()\n"
        "print(listener.getsockname()[1], flush=True)\n"
        "command = [sys.executable, 'child.txt', str(listener.fileno())]\n"
        "sys.exit(_reload.supervise(command, listener.fileno(), ['.']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", supervisor],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert _ask(port) == b"one"
        (tmp_path / "answer.py").write_text("two")
        deadline = time.monotonic() + 10
        while _ask(port) != b"two" and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _ask(port) == b"two"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=10)
    assert process.returncode == 7
    assert "answer.py changed, restarting" in told


def _ask(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        return connection.recv(100)
