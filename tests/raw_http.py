"""An HTTP client that sends exactly the bytes it is told, and reads one response after another."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

PATIENCE = 20.0
"""Seconds after which something that should have happened counts as missing."""


@dataclass
class Reply:
    """One response as it was on the wire."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    """Names in lower case."""
    body: bytes = b""

    def __getitem__(self, name: str) -> str:
        """The only value of a header."""
        [value] = self.all(name)
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))

    def all(self, name: str) -> list[str]:
        return [value for found, value in self.headers if found == name]


class Connection:
    """A connection that is read strictly: what is no response fails the test."""

    def __init__(
        self, port: int = 0, *, host: str = "127.0.0.1", uds: str | None = None, buffer: int = 0
    ) -> None:
        family = socket.AF_UNIX if uds else socket.AF_INET6 if ":" in host else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        try:
            self.socket.connect(uds or (host, port))
        except OSError:
            self.socket.close()
            raise
        if not uds:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = bytearray()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode() if isinstance(data, str) else data)

    def drip(self, data: bytes) -> None:
        """Send byte by byte."""
        for position in range(len(data)):
            self.socket.sendall(data[position : position + 1])

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def get(self, path: str, *headers: str) -> Reply:
        """Send a GET and read its response."""
        self.send(request("GET", path, *headers))
        return self.reply()

    def reply(self, method: str = "GET") -> Reply:
        """The next response, to a request of that method."""
        head = self._until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        version, status, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        reply = Reply(int(status))
        for line in lines:
            name, colon, value = line.partition(": ")
            assert colon, f"{line!r} is no header"
            reply.headers.append((name.lower(), value))
        if method != "HEAD" and reply.status >= 200 and reply.status not in (204, 304):
            reply.body = self._body(reply)
        return reply

    def _body(self, reply: Reply) -> bytes:
        if "transfer-encoding" in reply:
            assert reply["transfer-encoding"] == "chunked"
            assert "content-length" not in reply
            return self._chunks()
        if "content-length" in reply:
            return self.read(int(reply["content-length"]))
        assert reply["connection"] == "close", "nothing tells where the body ends"
        return self.rest()

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self._until(b"\r\n"), 16):
            body += self.read(size)
            assert self.read(2) == b"\r\n"
        assert self.read(2) == b"\r\n"
        return body

    def read_chunk(self) -> bytes:
        """One chunk of a response whose head was read with the method HEAD."""
        size = int(self._until(b"\r\n"), 16)
        return self.read(size + 2)[:-2]

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        while self._receive():
            pass
        rest, self._unread = bytes(self._unread), bytearray()
        return rest

    def is_over(self) -> bool:
        """Whether the server closes, having sent nothing that was not read."""
        return self.rest() == b""

    def _receive(self) -> bool:
        try:
            received = self.socket.recv(1 << 16)
        except ConnectionResetError:
            received = b""
        self._unread += received
        return bool(received)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken

    def read(self, size: int) -> bytes:
        """So many bytes."""
        while len(self._unread) < size:
            assert self._receive(), f"closed with {len(self._unread)} bytes instead of {size}"
        return self._take(size)

    def _until(self, end: bytes) -> bytes:
        while (position := self._unread.find(end)) < 0:
            assert self._receive(), f"closed after {bytes(self._unread[:300])!r}"
        return self._take(position + len(end))


def request(method: str, path: str, *headers: str, body: bytes | None = None) -> bytes:
    """The bytes of a request; a body comes with its length."""
    lines = ["host: localhost", *headers]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    rest = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return f"{method} {path} HTTP/1.1\r\n".encode() + rest + (body or b"")


def chunked(method: str, path: str, *chunks: bytes, trailers: str = "") -> bytes:
    """The bytes of a request with a chunked body."""
    head = request(method, path, "transfer-encoding: chunked")
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks]
    return head + b"".join(parts) + b"0\r\n" + trailers.encode() + b"\r\n"


def eventually(is_so: Callable[[], bool], what: str = "it") -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"still waiting for {what}"
        time.sleep(0.005)
