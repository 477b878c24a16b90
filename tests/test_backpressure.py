"""Clients and handlers that do not read: what piles up is bounded, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from raw_http import PATIENCE, Connection, eventually, request

from covet import Covet, Request
from covet._covet import Settings
from covet._loop import LoopName
from covet.responses import StreamingResponse

if TYPE_CHECKING:
    from conftest import Serve

MIB = 1 << 20


def resident(pid: int) -> int:
    """Bytes of memory a process has in use."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


APP = """
import asyncio
from covet import Covet

app = Covet()
text = "x" * 10_000

@app.get("/fast")
async def fast():
    return text

@app.get("/suspended")
async def suspended():
    await asyncio.sleep(0)
    return text
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The process and the port of `covet run`."""
    (tmp_path / "main.py").write_text(APP)
    command = [sys.executable, "-m", "covet", "run", "main:app", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"listening on \S+:(\d+) ", line):
                    yield process.pid, int(found[1])
                    break
        finally:
            process.kill()


def send_until_full(client: Connection, data: bytes) -> int:
    """Send until the server takes no more; returns how many bytes it took."""
    client.socket.settimeout(0.5)
    sent = 0
    with contextlib.suppress(TimeoutError):
        while sent < len(data):
            sent += client.socket.send(data[sent : sent + 65536])
    client.socket.settimeout(PATIENCE)
    return sent


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("path", ["/fast", "/suspended"])
def test_clients_that_never_read(process: tuple[int, int], path: str) -> None:
    pid, port = process
    with Connection(port) as other, ExitStack() as stack:
        for _ in range(200):
            other.get("/fast")
        before = resident(pid)
        text = request("GET", path) * 2_000_000
        greedy = [stack.enter_context(Connection(port)) for _ in range(4)]
        sent = [send_until_full(client, text) for client in greedy]
        assert max(sent) < 64 * MIB, "the server went on reading"
        assert resident(pid) - before < 30 * MIB
        assert other.get(path).status == 200


def test_a_slow_reader_gets_everything(serve: Serve, loop_name: LoopName) -> None:
    app = Covet()

    @app.get("/{number}/{suspended}")
    async def numbered(number: int, suspended: bool) -> str:
        if suspended:
            await asyncio.sleep(0)
        return f"{number:<20000}"

    count = 600
    text = b"".join(request("GET", f"/{number}/{number % 3 == 0}") for number in range(count))
    settings = Settings(output_limit=65536)
    with (
        serve(app, settings=settings, loop=loop_name) as served,
        Connection(served.port, buffer=4096) as client,
    ):
        sending = threading.Thread(target=client.send, args=(text,))
        sending.start()
        for number in range(count):
            if number % 50 == 0:
                time.sleep(0.01)
            assert int(client.reply().body.strip(b'"')) == number
        sending.join()


def test_a_stream_waits_for_its_client(serve: Serve, loop_name: LoopName) -> None:
    app, sent = Covet(), []
    piece = b"x" * 100_000
    pieces = 300

    @app.get("/")
    async def stream() -> StreamingResponse:
        async def body() -> AsyncIterator[bytes]:
            for number in range(pieces):
                sent.append(number)
                yield piece

        return StreamingResponse(body())

    @app.get("/other")
    async def other() -> int:
        return len(sent)

    with serve(app, loop=loop_name) as served, Connection(served.port, buffer=4096) as client:
        client.send(request("GET", "/"))
        assert client.reply("HEAD").status == 200
        before = -1
        while before != len(sent):
            before = len(sent)
            time.sleep(0.2)
        with Connection(served.port) as second:
            assert int(second.get("/other").body) == before
        assert before < pieces // 2, "the generator ran on though nobody reads"
        for _ in range(pieces):
            assert client.read_chunk() == piece
        assert client.read_chunk() == b""
        assert len(sent) == pieces
        assert client.get("/other").body == b"%d" % pieces


def test_a_body_waits_for_its_handler(serve: Serve, loop_name: LoopName) -> None:
    app, received = Covet(), []
    size = 16 * MIB

    @app.post("/")
    async def upload(request: Request) -> int:
        await go.wait()
        async for chunk in request.stream():
            received.append(len(chunk))
        return sum(received)

    @app.get("/go")
    async def release() -> None:
        go.set()

    settings = Settings(max_body_size=size)
    with serve(app, settings=settings, loop=loop_name) as served, Connection(served.port) as client:
        go = served.call(asyncio.Event)
        client.send(request("POST", "/", f"content-length: {size}"))
        sent = send_until_full(client, b"x" * size)
        assert sent < size // 2, "the server read what nobody wants"
        assert received == []
        with Connection(served.port) as other:
            assert other.get("/go").status == 200
        client.send(b"x" * (size - sent))
        assert client.reply().body == b"%d" % size
        assert max(received) <= MIB, "the body came in pieces"


def test_an_answer_ends_the_wait_of_a_body(serve: Serve) -> None:
    app = Covet()
    size = 8 * MIB

    @app.post("/")
    async def upload(request: Request) -> int:
        async for chunk in request.stream():
            await asyncio.sleep(0.1)  # So that more comes than is kept for the handler.
            return len(chunk)
        return 0

    @app.get("/next")
    async def following() -> int:
        return 1

    with serve(app) as served, Connection(served.port) as client:
        text = request("POST", "/", body=b"x" * size) + request("GET", "/next")
        sending = threading.Thread(target=client.send, args=(text,))
        sending.start()
        assert 0 < int(client.reply().body) < MIB
        assert client.reply().body == b"1"
        sending.join()


def test_a_flood_starves_nobody(serve: Serve, loop_name: LoopName) -> None:
    app, ticks, floods = Covet(), [], []

    @app.get("/flood")
    async def flooded() -> None:
        floods.append(None)

    @app.get("/other")
    async def other() -> int:
        return len(floods)

    with (
        serve(app, loop=loop_name) as served,
        Connection(served.port) as client,
        Connection(served.port) as second,
    ):

        def tick() -> None:
            ticks.append(len(floods))
            served.loop.call_later(0.001, tick)

        served.loop.call_soon_threadsafe(tick)
        reading = threading.Thread(target=read_all, args=(client.socket,))
        sending = threading.Thread(target=send_forever, args=(client.socket,))
        reading.start()
        sending.start()
        eventually(lambda: len(floods) > 0, "the flood")
        # Were the flood to go first, none of these would be answered.
        seen = [int(second.get("/other").body) for _ in range(100)]
        eventually(lambda: len(ticks) >= 20, "callbacks")
        client.socket.shutdown(socket.SHUT_RDWR)
        sending.join()
        reading.join()
    assert len(set(seen)) >= 10, "the flood did not go on meanwhile"
    assert len(set(ticks)) >= 10


def send_forever(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(request("GET", "/flood") * 2000)


def read_all(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while connection.recv(1 << 18):
            pass
