"""URLs as Starlette shows them: whole, or the path that names a route."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

__all__ = ["URL", "URLPath"]

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_HOST = re.compile(
    r"(?:[a-z0-9._~%!$&'()*+,;=-]+|\[(?P<address>[a-f0-9]*:[a-f0-9.:]+)\])(?::(?P<port>[0-9]+))?",
    re.IGNORECASE,
)


class URL:
    """A URL: given as a string, built from an ASGI scope, or from its components."""

    def __init__(
        self, url: str = "", scope: Mapping[str, Any] | None = None, **components: Any
    ) -> None:
        if sum(map(bool, (url, scope is not None, components))) > 1:
            raise TypeError('Set only one of "url", "scope" and "**components".')
        if scope is not None:
            url = _from_scope(scope)
        elif components:
            url = str(URL("").replace(**components))
        self._url = url

    @cached_property
    def components(self) -> SplitResult:
        """The parts, as `urllib.parse.urlsplit` names them."""
        return urlsplit(self._url)

    @property
    def scheme(self) -> str:
        """`http`, `https`, ..."""
        return self.components.scheme

    @property
    def netloc(self) -> str:
        """Credentials, host and port."""
        return self.components.netloc

    @property
    def path(self) -> str:
        """The path."""
        return self.components.path

    @property
    def query(self) -> str:
        """The query string, without its question mark."""
        return self.components.query

    @property
    def fragment(self) -> str:
        """What follows `#`."""
        return self.components.fragment

    @property
    def username(self) -> str | None:
        """The user name, if one is given."""
        return self.components.username

    @property
    def password(self) -> str | None:
        """The password, if one is given."""
        return self.components.password

    @property
    def hostname(self) -> str | None:
        """The host in lower case, without port and brackets."""
        return self.components.hostname

    @property
    def port(self) -> int | None:
        """The port, if one is given."""
        return self.components.port

    @property
    def is_secure(self) -> bool:
        """Whether the scheme is encrypted."""
        return self.scheme in ("https", "wss")

    def replace(self, **kwargs: Any) -> URL:
        """A copy with other components, among them `hostname`, `port`, `username`, `password`."""
        if kwargs.keys() & {"username", "password", "hostname", "port"}:
            kwargs["netloc"] = self._netloc(
                kwargs.pop("hostname", None),
                kwargs.pop("port", self.port),
                kwargs.pop("username", self.username),
                kwargs.pop("password", self.password),
            )
        return type(self)(self.components._replace(**kwargs).geturl())

    def _netloc(
        self, hostname: str | None, port: int | None, username: str | None, password: str | None
    ) -> str:
        netloc = _bracketed(hostname) if hostname is not None else self._host()
        if port is not None:
            netloc += f":{port}"
        if username is None:
            return netloc
        user = username if password is None else f"{username}:{password}"
        return f"{user}@{netloc}"

    def _host(self) -> str:
        """The host as it is written here: its case kept, in brackets if it is an address."""
        host = self.netloc.rpartition("@")[2]
        return host if host.endswith("]") else host.rpartition(":")[0] or host

    def include_query_params(self, **kwargs: Any) -> URL:
        """A copy with query parameters added, or replaced where the name is there."""
        new = {str(name): str(value) for name, value in kwargs.items()}
        kept = [pair for pair in self._query_pairs() if pair[0] not in new]
        return self.replace(query=urlencode([*kept, *new.items()]))

    def replace_query_params(self, **kwargs: Any) -> URL:
        """A copy with these query parameters and no others."""
        return self.replace(query=urlencode([(name, str(value)) for name, value in kwargs.items()]))

    def remove_query_params(self, keys: str | Sequence[str]) -> URL:
        """A copy without the query parameters of these names."""
        names = [keys] if isinstance(keys, str) else keys
        kept = [pair for pair in self._query_pairs() if pair[0] not in names]
        return self.replace(query=urlencode(kept))

    def _query_pairs(self) -> Iterable[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self._url

    def __repr__(self) -> str:
        shown = self.replace(password="********") if self.password else self
        return f"{type(self).__name__}({str(shown)!r})"


def _bracketed(hostname: str) -> str:
    try:
        ipaddress.IPv6Address(hostname)
    except ValueError:
        return hostname
    return f"[{hostname}]"


def _from_scope(scope: Mapping[str, Any]) -> str:
    scheme = scope.get("scheme", "http")
    path = scope["path"].replace("?", "%3F").replace("#", "%23").replace("\\", "%5C")
    query = scope.get("query_string", b"").decode()
    netloc = _netloc_of(scope, scheme)
    if netloc is not None:
        return SplitResult(scheme, netloc, path, query, "").geturl()
    path = _without_authority(path)
    return f"{path}?{query}" if query else path


def _netloc_of(scope: Mapping[str, Any], scheme: str) -> str | None:
    """The host the client asked for; what it says is used only if it can be nothing but a host."""
    asked = next((value for name, value in scope["headers"] if name == b"host"), None)
    if asked is not None and _is_host(asked.decode("latin-1")):
        return str(asked.decode("latin-1"))
    server = scope.get("server")
    if server is None or server[1] is None:
        return None
    host, port = server
    host = _bracketed(host)
    return host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"


def _is_host(text: str) -> bool:
    match = _HOST.fullmatch(text)
    if match is None:
        return False
    return _is_address(match["address"]) and _is_port(match["port"])


def _is_address(text: str | None) -> bool:
    return text is None or _bracketed(text) != text


def _is_port(text: str | None) -> bool:
    significant = (text or "").lstrip("0")
    return len(significant) <= 5 and int(significant or "0") <= 65535


def _without_authority(path: str) -> str:
    """A path that cannot be read as `//host/...`."""
    return "/%2F" + path[2:] if path.startswith("//") else path


class URLPath(str):
    """The path of a route, with the protocol and the host that belong to it."""

    __slots__ = ("host", "protocol")

    protocol: Literal["http", "websocket", ""]
    host: str

    def __new__(
        cls, path: str, protocol: Literal["http", "websocket", ""] = "", host: str = ""
    ) -> URLPath:
        """Make a path, escaped so that it is never read as a host."""
        if protocol not in ("http", "websocket", ""):
            raise ValueError(f"unknown protocol {protocol!r}")
        self = str.__new__(cls, _without_authority(path.replace("\\", "%5C")))
        self.protocol = protocol
        self.host = host
        return self

    def make_absolute_url(self, base_url: str | URL) -> URL:
        """The whole URL, where `base_url` supplies what is not known here."""
        base = URL(base_url) if isinstance(base_url, str) else base_url
        path = base.path.rstrip("/") + str(self)
        return URL(scheme=self._scheme(base), netloc=self.host or base.netloc, path=path)

    def _scheme(self, base: URL) -> str:
        if not self.protocol:
            return base.scheme
        name = "http" if self.protocol == "http" else "ws"
        return f"{name}s" if base.is_secure else name
