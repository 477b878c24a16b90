"""Where a server listens: a TCP address, a Unix socket, or a socket it was handed."""

from __future__ import annotations

import os
import socket
import stat
from dataclasses import dataclass

from covet._covet import Server

__all__ = ["Bind"]

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Bind:
    """One of a TCP address, the path of a Unix socket, or an inherited descriptor.

    Args:
        host: A host name or IP address.
        port: A port; 0 takes a free one.
        uds: The path of a Unix socket, instead of host and port.
        fd: The descriptor of a bound socket, instead of all these.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    uds: str | None = None
    fd: int | None = None

    def open(self, server: Server) -> str:
        """Make the server listen; returns the URL it is reached at.

        Raises:
            OSError: The system refuses; the message names the address.
        """
        if self.fd is not None:
            address = _describe(self.fd)
            server.bind_fd(self.fd)
            return address
        if self.uds is not None:
            server.bind_unix(self.uds, BACKLOG)
            return f"unix:{self.uds}"
        host, port = server.bind_tcp(self.host, self.port, BACKLOG)
        return _url(host, port)

    def listen(self) -> socket.socket:
        """A listening socket, for a child process to inherit.

        Raises:
            OSError: The system refuses; the message names the address.
        """
        if self.fd is not None:
            return socket.socket(fileno=self.fd)
        try:
            return self._unix_socket(self.uds) if self.uds is not None else self._tcp_socket()
        except OSError as error:
            address = self.uds or f"{self.host}:{self.port}"
            raise OSError(error.errno, f"cannot listen on {address}: {error.strerror}") from None

    def _tcp_socket(self) -> socket.socket:
        family = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0][0]
        # As the engine listens: on `::` for IPv4 too.
        both = family == socket.AF_INET6 and socket.has_dualstack_ipv6()
        return socket.create_server(
            (self.host, self.port), family=family, backlog=BACKLOG, dualstack_ipv6=both
        )

    def _unix_socket(self, path: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if _is_stale(path):
                os.unlink(path)
            listener.bind(path)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        return listener


def _is_stale(path: str) -> bool:
    """Whether a socket file is there that nobody listens on any more."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _describe(fd: int) -> str:
    try:
        with socket.socket(fileno=os.dup(fd)) as inherited:
            name = inherited.getsockname()
    except OSError as error:
        raise OSError(error.errno, f"descriptor {fd} is not a socket: {error.strerror}") from None
    return f"unix:{name}" if isinstance(name, str) else _url(name[0], name[1])


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
