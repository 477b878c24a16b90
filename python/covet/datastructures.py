"""Headers, query strings, URLs and state, with Starlette's names and behaviour."""

from __future__ import annotations

from collections.abc import (
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    MutableMapping,
    ValuesView,
)
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import parse_qsl, urlencode

from covet._url import URL, URLPath

__all__ = [
    "URL",
    "Address",
    "Default",
    "DefaultPlaceholder",
    "Headers",
    "ImmutableMultiDict",
    "MultiDict",
    "MutableHeaders",
    "QueryParams",
    "State",
    "URLPath",
]

Key = TypeVar("Key")
Value = TypeVar("Value", covariant=True)
T = TypeVar("T")

RawHeaders = list[tuple[bytes, bytes]]


class Address(NamedTuple):
    """A peer: host name or IP address, and port."""

    host: str
    port: int


class DefaultPlaceholder:
    """A default that can be told from the same value given explicitly."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DefaultPlaceholder) and bool(other.value == self.value)

    __hash__ = None  # type: ignore[assignment]


def Default(value: T) -> T:
    """Mark a default as such; typed as the value itself, for signatures."""
    return cast(T, DefaultPlaceholder(value))


class ImmutableMultiDict(Mapping[Key, Value]):
    """A mapping that keeps every value of a key; reading one gives the last."""

    def __init__(
        self,
        *args: Mapping[Key, Value] | Iterable[tuple[Key, Value]],
        **kwargs: Any,
    ) -> None:
        if len(args) > 1:
            raise TypeError("Too many arguments.")
        self._list: list[tuple[Any, Any]] = [*_pairs(args[0] if args else ()), *kwargs.items()]
        self._dict: dict[Any, Any] = dict(self._list)

    def getlist(self, key: Any) -> list[Value]:
        """Every value of `key`, in order."""
        return [value for name, value in self._list if name == key]

    def multi_items(self) -> list[tuple[Key, Value]]:
        """Every pair, in order."""
        return list(self._list)

    def keys(self) -> KeysView[Key]:
        """The keys, each once."""
        return self._dict.keys()

    def values(self) -> ValuesView[Value]:
        """The last value of each key."""
        return self._dict.values()

    def items(self) -> ItemsView[Key, Value]:
        """Each key with its last value."""
        return self._dict.items()

    def __getitem__(self, key: Key) -> Value:
        return cast(Value, self._dict[key])

    def __contains__(self, key: object) -> bool:
        return key in self._dict

    def __iter__(self) -> Iterator[Key]:
        return iter(self._dict)

    def __len__(self) -> int:
        return len(self._dict)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return False
        return sorted(self._list, key=_first) == sorted(other._list, key=_first)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.multi_items()!r})"


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _pairs(source: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(source, ImmutableMultiDict):
        return source.multi_items()
    if hasattr(source, "items"):
        return cast(Iterable[tuple[Any, Any]], source.items())
    return cast(Iterable[tuple[Any, Any]], source)


class MultiDict(ImmutableMultiDict[Any, Any]):
    """An `ImmutableMultiDict` that can be changed."""

    def __setitem__(self, key: Any, value: Any) -> None:
        self.setlist(key, [value])

    def __delitem__(self, key: Any) -> None:
        del self._dict[key]
        self._forget(key)

    def _forget(self, key: Any) -> None:
        self._list = [(name, value) for name, value in self._list if name != key]

    def pop(self, key: Any, default: Any = None) -> Any:
        """Remove `key`; returns its last value."""
        self._forget(key)
        return self._dict.pop(key, default)

    def popitem(self) -> tuple[Any, Any]:
        """Remove the last key; returns it and its last value."""
        key, value = self._dict.popitem()
        self._forget(key)
        return key, value

    def poplist(self, key: Any) -> list[Any]:
        """Remove `key`; returns all its values."""
        values = self.getlist(key)
        self.pop(key)
        return values

    def clear(self) -> None:
        """Remove everything."""
        self._dict.clear()
        self._list.clear()

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """Add `key` unless it is there; returns its value."""
        if key not in self:
            self.append(key, default)
        return self[key]

    def setlist(self, key: Any, values: list[Any]) -> None:
        """Replace all values of `key`; none removes it."""
        self.pop(key)
        for value in values:
            self.append(key, value)

    def append(self, key: Any, value: Any) -> None:
        """Add a value to `key`."""
        self._list.append((key, value))
        self._dict[key] = value

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Replace the keys of another mapping, with all their values."""
        new = MultiDict(*args, **kwargs)
        self._list = [pair for pair in self._list if pair[0] not in new]
        self._list += new.multi_items()
        self._dict.update(new)


class QueryParams(ImmutableMultiDict[str, str]):
    """The parameters of a query string, given as such or as a mapping."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        value = args[0] if args else ()
        if isinstance(value, bytes):
            # As the engine reads it for parameters: what is not encoded is UTF-8.
            value = value.decode("utf-8", "replace")
        if isinstance(value, str):
            value = parse_qsl(value, keep_blank_values=True)
        super().__init__(value, *args[1:], **kwargs)
        self._list = [(str(name), str(found)) for name, found in self._list]
        self._dict = dict(self._list)

    def __str__(self) -> str:
        return urlencode(self._list)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


def _encode(text: str) -> bytes:
    return text.encode("latin-1")


def _name(key: str) -> bytes:
    return key.lower().encode("latin-1")


class Headers(Mapping[str, str]):
    """Headers: names without case, several values per name. Reading one gives the first.

    Args:
        headers: Names and values.
        raw: Pairs of bytes with names in lower case, used as they are.
        scope: An ASGI scope, whose headers are used.
    """

    def __init__(
        self,
        headers: Mapping[str, str] | None = None,
        raw: RawHeaders | None = None,
        scope: MutableMapping[str, Any] | None = None,
    ) -> None:
        if sum(source is not None for source in (headers, raw, scope)) > 1:
            raise TypeError('Set only one of "headers", "raw" and "scope".')
        self._list: RawHeaders = []
        if headers is not None:
            self._list = [(_name(name), _encode(value)) for name, value in headers.items()]
        elif raw is not None:
            self._list = raw
        elif scope is not None:
            scope["headers"] = self._list = list(scope["headers"])

    @property
    def raw(self) -> RawHeaders:
        """The pairs of bytes."""
        return list(self._list)

    def keys(self) -> list[str]:  # type: ignore[override]
        """Every name, once per value."""
        return [name.decode("latin-1") for name, _ in self._list]

    def values(self) -> list[str]:  # type: ignore[override]
        """Every value."""
        return [value.decode("latin-1") for _, value in self._list]

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override]
        """Every name with its value."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._list]

    def getlist(self, key: str) -> list[str]:
        """Every value of a header."""
        wanted = _name(key)
        return [value.decode("latin-1") for name, value in self._list if name == wanted]

    def mutablecopy(self) -> MutableHeaders:
        """A copy that can be changed."""
        return MutableHeaders(raw=self._list[:])

    def __getitem__(self, key: str) -> str:
        wanted = _name(key)
        for name, value in self._list:
            if name == wanted:
                return value.decode("latin-1")
        raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and any(name == _name(key) for name, _ in self._list)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._list)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and sorted(self._list) == sorted(other._list)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        as_dict = dict(self.items())
        if len(as_dict) == len(self):
            return f"{type(self).__name__}({as_dict!r})"
        return f"{type(self).__name__}(raw={self.raw!r})"


class MutableHeaders(Headers):
    """Headers that can be changed; changes are made in the list it was given."""

    @property
    def raw(self) -> RawHeaders:
        """The pairs of bytes, not a copy."""
        return self._list

    def __setitem__(self, key: str, value: str) -> None:
        wanted, encoded = _name(key), _encode(value)
        places = [index for index, (name, _) in enumerate(self._list) if name == wanted]
        if not places:
            self._list.append((wanted, encoded))
            return
        self._list[places[0]] = (wanted, encoded)
        for index in reversed(places[1:]):
            del self._list[index]

    def __delitem__(self, key: str) -> None:
        wanted = _name(key)
        self._list[:] = [pair for pair in self._list if pair[0] != wanted]

    def __ior__(self, other: Mapping[str, str]) -> MutableHeaders:
        if not isinstance(other, Mapping):
            raise TypeError(f"Expected a mapping but got {type(other).__name__}")
        self.update(other)
        return self

    def __or__(self, other: Mapping[str, str]) -> MutableHeaders:
        merged = self.mutablecopy()
        merged |= other
        return merged

    def setdefault(self, key: str, value: str) -> str:
        """Add a header unless it is there; returns its value."""
        if key not in self:
            self.append(key, value)
        return self[key]

    def update(self, other: Mapping[str, str]) -> None:
        """Set every header of a mapping."""
        for key, value in other.items():
            self[key] = value

    def append(self, key: str, value: str) -> None:
        """Add a header beside those of the same name."""
        self._list.append((_name(key), _encode(value)))

    def add_vary_header(self, vary: str) -> None:
        """Add a name to the header `vary`."""
        self["vary"] = ", ".join([*self.getlist("vary"), vary])


class State:
    """Anything an application or a request wants to keep, by attribute or by key."""

    _state: dict[str, Any]

    def __init__(self, state: dict[str, Any] | None = None) -> None:
        super().__setattr__("_state", {} if state is None else state)

    def __setattr__(self, key: str, value: Any) -> None:
        self._state[key] = value

    def __getattr__(self, key: str) -> Any:
        try:
            return self._state[key]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {key!r}"
            ) from None

    def __delattr__(self, key: str) -> None:
        del self._state[key]

    def __getitem__(self, key: str) -> Any:
        return self._state[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._state[key] = value

    def __delitem__(self, key: str) -> None:
        del self._state[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)
