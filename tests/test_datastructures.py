"""Every operation is made on ours and on Starlette's class, and must have the same outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import starlette.datastructures as theirs
from hypothesis import given
from hypothesis import strategies as st

import covet.datastructures as ours
from covet.datastructures import Address, Default, DefaultPlaceholder, State


def outcome(operation: Callable[[Any], Any], module: Any) -> Any:
    """What an operation gives or raises, as text, without the name of the exception's module."""
    try:
        result = operation(module)
    except Exception as error:
        return type(error).__name__
    return repr(result)


def scope(**given: Any) -> dict[str, Any]:
    return {
        "path": "/a b",
        "query_string": b"x=1",
        "headers": [(b"host", b"example.org:8080")],
        "server": ("::1", 80),
        "scheme": "http",
        **given,
    }


def host(value: bytes) -> dict[str, Any]:
    return scope(headers=[(b"host", value)])


USER = "https://me:secret@Example.org:8443/p?a=1&b=2&a=3#f"

URLS: list[Callable[[Any], Any]] = [
    lambda m: m.URL(USER),
    lambda m: str(m.URL(USER)),
    lambda m: m.URL(USER).components,
    lambda m: [getattr(m.URL(USER), name) for name in ("scheme", "netloc", "path", "query")],
    lambda m: [getattr(m.URL(USER), name) for name in ("fragment", "username", "password")],
    lambda m: [m.URL(USER).hostname, m.URL(USER).port, m.URL(USER).is_secure],
    lambda m: m.URL(USER).replace(port=None),
    lambda m: m.URL(USER).replace(hostname="x.org"),
    lambda m: m.URL(USER).replace(username="you", password=None),
    lambda m: m.URL("https://h:80").replace(port=88),
    lambda m: m.URL("https://[fe::2]:12/").replace(port=8080),
    lambda m: m.URL("https://h").replace(hostname="::1", port=1),
    lambda m: m.URL("https://[::1]").replace(username="u"),
    lambda m: m.URL("/path").replace(scheme="ws", netloc="h"),
    lambda m: m.URL(USER).include_query_params(a=9, c="x y"),
    lambda m: m.URL(USER).replace_query_params(q="ü"),
    lambda m: m.URL(USER).remove_query_params("a"),
    lambda m: m.URL(USER).remove_query_params(["a", "b"]),
    lambda m: m.URL(scheme="https", hostname="h", port=1, path="/"),
    lambda m: m.URL("http://a") == "http://a",
    lambda m: m.URL("http://a") == m.URL("http://b"),
    lambda m: m.URL(scope=scope()),
    lambda m: m.URL(scope=scope(headers=[])),
    lambda m: m.URL(scope=scope(headers=[], server=("h", 8000))),
    lambda m: m.URL(scope=scope(headers=[], server=None, path="//evil/x")),
    lambda m: m.URL(scope=scope(headers=[], server=("h", 443), scheme="https")),
    lambda m: m.URL(scope=scope(path="/a?b#c\\d")),
    lambda m: m.URL(scope=host(b"evil.org/path?")),
    lambda m: m.URL(scope=host(b"user@evil.org")),
    lambda m: m.URL(scope=host(b"h:99999")),
    lambda m: m.URL(scope=host(b"h:0000065535")),
    lambda m: m.URL(scope=host(b"[::1]:81")),
    lambda m: m.URL(scope=host(b"[:::]")),
    lambda m: m.URL(scope=host(b"")),
    lambda m: str(m.URLPath("//evil.org")),
    lambda m: str(m.URLPath("/a\\b")),
    lambda m: m.URLPath("/p").make_absolute_url("https://h/root/"),
    lambda m: m.URLPath("/p", protocol="http").make_absolute_url("https://h"),
    lambda m: m.URLPath("/p", protocol="websocket").make_absolute_url("http://h"),
    lambda m: m.URLPath("/p", protocol="websocket", host="x").make_absolute_url("https://h"),
    lambda m: m.URLPath("/p", host="x").make_absolute_url("http://h"),
]


@pytest.mark.parametrize("operation", URLS)
def test_url(operation: Callable[[Any], Any]) -> None:
    assert outcome(operation, ours) == outcome(operation, theirs)


RAW = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]


def changed(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The headers after a change, with what the change returned."""

    def operation(module: Any) -> Any:
        headers = module.MutableHeaders(raw=list(RAW))
        returned = change(headers)
        return (returned is headers, str(returned), headers.raw)

    return operation


HEADERS: list[Callable[[Any], Any]] = [
    lambda m: m.Headers({"A": "1", "b": "2"}),
    lambda m: m.Headers(raw=list(RAW)),
    lambda m: m.Headers(raw=list(RAW))["A"],
    lambda m: m.Headers(raw=list(RAW))["missing"],
    lambda m: m.Headers(raw=list(RAW)).get("missing", "d"),
    lambda m: m.Headers(raw=list(RAW)).getlist("a"),
    lambda m: [list(m.Headers(raw=list(RAW))), len(m.Headers(raw=list(RAW)))],
    lambda m: m.Headers(raw=list(RAW)).items(),
    lambda m: m.Headers(raw=list(RAW)).values(),
    lambda m: ["A" in m.Headers(raw=list(RAW)), "c" in m.Headers(raw=list(RAW))],
    lambda m: m.Headers({"a": "1", "b": "2"}) == m.Headers({"B": "2", "A": "1"}),
    lambda m: m.Headers({"a": "1"}) == {"a": "1"},
    lambda m: m.Headers({"a": "\u20ac"}),
    lambda m: m.Headers({"a": "1"}).mutablecopy(),
    lambda m: m.Headers(scope={"headers": tuple(RAW)}).raw,
    changed(lambda h: h.__setitem__("A", "9")),
    changed(lambda h: h.__setitem__("c", "9")),
    changed(lambda h: h.__delitem__("a")),
    changed(lambda h: h.__delitem__("missing")),
    changed(lambda h: h.setdefault("A", "9")),
    changed(lambda h: h.setdefault("c", "9")),
    changed(lambda h: h.append("A", "9")),
    changed(lambda h: h.update({"b": "8", "c": "9"})),
    changed(lambda h: h.add_vary_header("accept")),
    changed(lambda h: (h.add_vary_header("x"), h.add_vary_header("y"))),
    changed(lambda h: h | {"a": "9"}),
    changed(lambda h: h.__ior__({"a": "9"})),
    changed(lambda h: h | [("a", "9")]),
]


@pytest.mark.parametrize("operation", HEADERS)
def test_headers(operation: Callable[[Any], Any]) -> None:
    assert outcome(operation, ours) == outcome(operation, theirs)


PAIRS = [("a", "1"), ("b", "2"), ("a", "3")]


def mutated(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The dict after a change, in both of its views, with what the change returned."""

    def operation(module: Any) -> Any:
        found = module.MultiDict(PAIRS)
        returned = change(found)
        return (returned, found.multi_items(), sorted(found.items()))

    return operation


MULTIDICTS: list[Callable[[Any], Any]] = [
    lambda m: m.ImmutableMultiDict(PAIRS),
    lambda m: m.ImmutableMultiDict(PAIRS, c="4"),
    lambda m: m.ImmutableMultiDict({"a": "1"}),
    lambda m: m.ImmutableMultiDict(m.ImmutableMultiDict(PAIRS)),
    lambda m: m.ImmutableMultiDict(PAIRS)["a"],
    lambda m: m.ImmutableMultiDict(PAIRS)["missing"],
    lambda m: m.ImmutableMultiDict(PAIRS).getlist("a"),
    lambda m: [dict(m.ImmutableMultiDict(PAIRS)), len(m.ImmutableMultiDict(PAIRS))],
    lambda m: list(m.ImmutableMultiDict(PAIRS).values()),
    lambda m: m.ImmutableMultiDict(PAIRS) == m.ImmutableMultiDict(PAIRS[::-1]),
    lambda m: m.ImmutableMultiDict(PAIRS[1:]) == m.ImmutableMultiDict([PAIRS[2], PAIRS[1]]),
    lambda m: m.ImmutableMultiDict(PAIRS) == dict(PAIRS),
    lambda m: m.QueryParams("a=1&b=&a=%FC&c"),
    lambda m: m.QueryParams(b"a=1&b=+&a=%26").multi_items(),
    lambda m: m.QueryParams({"a": 1}, b=2),
    lambda m: str(m.QueryParams([("a", "x y"), ("a", "2")])),
    lambda m: m.QueryParams("a=1") == m.QueryParams({"a": "1"}),
    mutated(lambda d: d.__setitem__("a", "9")),
    mutated(lambda d: d.__delitem__("a")),
    mutated(lambda d: d.__delitem__("missing")),
    mutated(lambda d: d.pop("a")),
    mutated(lambda d: d.pop("missing", "x")),
    mutated(lambda d: d.popitem()),
    mutated(lambda d: d.poplist("a")),
    mutated(lambda d: d.clear()),
    mutated(lambda d: d.setdefault("a", "9")),
    mutated(lambda d: d.setdefault("c", "9")),
    mutated(lambda d: d.setlist("a", ["8", "9"])),
    mutated(lambda d: d.setlist("a", [])),
    mutated(lambda d: d.append("a", "9")),
    mutated(lambda d: d.update([("a", "8"), ("a", "9")])),
    mutated(lambda d: d.update({"c": "9"}, b="8")),
]


@pytest.mark.parametrize("operation", MULTIDICTS)
def test_multidict(operation: Callable[[Any], Any]) -> None:
    assert outcome(operation, ours) == outcome(operation, theirs)


@given(st.text(alphabet="ab=&%2fF+ ;é\x00", max_size=20))
def test_query_params_of_any_text(query: str) -> None:
    assert ours.QueryParams(query).multi_items() == theirs.QueryParams(query).multi_items()


def test_several_sources_are_refused() -> None:
    with pytest.raises(TypeError):
        ours.Headers({"a": "1"}, raw=[])
    with pytest.raises(TypeError):
        ours.URL("http://a", path="/")
    with pytest.raises(TypeError):
        ours.ImmutableMultiDict([], [])


def test_address() -> None:
    assert Address("127.0.0.1", 80) == ("127.0.0.1", 80)
    assert Address("127.0.0.1", 80).port == 80


def test_default_is_told_from_the_value() -> None:
    marked: Any = Default("x")
    assert isinstance(marked, DefaultPlaceholder)
    assert marked.value == "x"
    assert marked == Default("x")
    assert marked != "x"
    assert not Default("")


def test_state() -> None:
    kept: dict[str, Any] = {"a": 1}
    state = State(kept)
    state.b = 2
    state["c"] = 3
    assert (state.a, state["b"], state.c) == (1, 2, 3)
    assert kept == {"a": 1, "b": 2, "c": 3}
    del state.a
    del state["b"]
    assert (list(state), len(state)) == (["c"], 1)
    with pytest.raises(AttributeError, match="'State' object has no attribute 'a'"):
        _ = state.a
