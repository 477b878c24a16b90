"""What `{name:convertor}` in a path matches, and how a value is put into such a place."""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from covet.exceptions import RouteError

__all__ = ["CONVERTOR_TYPES", "CompiledPath", "Convertor", "compile_path"]

T = TypeVar("T")


class Convertor(Generic[T]):
    """One kind of place in a path. The engine matches it; here it is written."""

    regex: ClassVar[str] = ""

    def convert(self, value: str) -> T:
        """The value that a part of a path stands for."""
        raise NotImplementedError

    def to_string(self, value: T) -> str:
        """The part of a path that stands for a value.

        Raises:
            ValueError: The value cannot stand there.
        """
        raise NotImplementedError


class StringConvertor(Convertor[str]):
    """Anything between two slashes."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """The text itself."""
        return value

    def to_string(self, value: str) -> str:
        """The text, if it is not empty and has no slash."""
        text = str(value)
        if "/" in text:
            raise ValueError("May not contain path separators")
        if not text:
            raise ValueError("Must not be empty")
        return text


class PathConvertor(Convertor[str]):
    """The rest of the path, slashes included."""

    regex = ".*"

    def convert(self, value: str) -> str:
        """The text itself."""
        return value

    def to_string(self, value: str) -> str:
        """The text itself."""
        return str(value)


class IntegerConvertor(Convertor[int]):
    """Decimal digits."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """The digits, if the number is not negative."""
        number = int(value)
        if number < 0:
            raise ValueError("Negative integers are not supported")
        return str(number)


class FloatConvertor(Convertor[float]):
    """Decimal digits, with a fraction or without."""

    regex = r"[0-9]+(\.[0-9]+)?"

    def convert(self, value: str) -> float:
        """The number."""
        return float(value)

    def to_string(self, value: float) -> str:
        """The number without exponent, if it is finite and not negative."""
        number = float(value)
        if not math.isfinite(number):
            raise ValueError("Infinite and NaN values are not supported")
        if number < 0:
            raise ValueError("Negative floats are not supported")
        return f"{number:.20f}".rstrip("0").rstrip(".")


class UUIDConvertor(Convertor[uuid.UUID]):
    """A UUID, with its dashes or without."""

    regex = "[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"

    def convert(self, value: str) -> uuid.UUID:
        """The UUID."""
        return uuid.UUID(value)

    def to_string(self, value: uuid.UUID) -> str:
        """The UUID with its dashes."""
        return str(value)


CONVERTOR_TYPES: dict[str, Convertor[Any]] = {
    "str": StringConvertor(),
    "path": PathConvertor(),
    "int": IntegerConvertor(),
    "float": FloatConvertor(),
    "uuid": UUIDConvertor(),
}

_PLACE = re.compile(r"{([a-zA-Z_][a-zA-Z0-9_]*)(?::([a-zA-Z_][a-zA-Z0-9_]*))?}")


@dataclass(frozen=True, slots=True)
class CompiledPath:
    """A path or host pattern, taken apart: text, name, text, name, ..., text."""

    texts: tuple[str, ...]
    convertors: dict[str, Convertor[Any]]

    @property
    def format(self) -> str:
        """The pattern without convertors: `/items/{item_id}`."""
        return self._joined({name: f"{{{name}}}" for name in self.convertors})

    def fill(self, values: dict[str, Any]) -> str:
        """The pattern with a value in every place."""
        return self._joined(
            {name: self.convertors[name].to_string(value) for name, value in values.items()}
        )

    def _joined(self, values: dict[str, str]) -> str:
        parts = [self.texts[0]]
        for name, text in zip(self.convertors, self.texts[1:], strict=True):
            parts += [values[name], text]
        return "".join(parts)


def compile_path(path: str) -> CompiledPath:
    """Take a pattern apart.

    Raises:
        RouteError: It names a convertor that does not exist, or the same place twice.
    """
    texts, names, kinds = [], [], []
    end = 0
    for match in _PLACE.finditer(path):
        texts.append(path[end : match.start()])
        names.append(match[1])
        kinds.append(match[2] or "str")
        end = match.end()
    texts.append(path[end:])
    _check(path, names, kinds)
    convertors = {name: CONVERTOR_TYPES[kind] for name, kind in zip(names, kinds, strict=True)}
    return CompiledPath(tuple(texts), convertors)


def _check(path: str, names: list[str], kinds: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        ending = "s" if len(twice) > 1 else ""
        raise RouteError(f"Duplicated param name{ending} {', '.join(twice)} at path {path}")
    for kind in kinds:
        if kind not in CONVERTOR_TYPES:
            known = ", ".join(CONVERTOR_TYPES)
            raise RouteError(
                f"Unknown path convertor {kind!r} at path {path}; those known are {known}"
            )
