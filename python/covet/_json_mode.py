"""Whether validating JSON bytes gives what validating the parsed JSON would give.

pydantic's core validates faster straight from the bytes, but its rules differ there for some
types: `date | str` takes a string as a date, strict fields take strings for dates, and a
validator can see which mode it runs in. Only schemas made of types that are known to behave the
same way are validated from bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

__all__ = ["same_in_json_mode"]

_PLAIN = frozenset(
    {
        "any", "bool", "bytes", "date", "datetime", "dict", "definition-ref", "definitions",
        "dataclass", "dataclass-args", "default", "float", "frozenset", "int", "list", "model",
        "model-fields", "none", "nullable", "set", "str", "time", "timedelta", "tuple",
        "typed-dict", "url", "uuid",
    }
)  # fmt: skip
_FUNCTIONS = frozenset({"function-before", "function-after", "function-wrap", "function-plain"})
_UNION_MEMBERS = frozenset({"str", "int", "float", "bool", "none"})
_PRIMITIVES = (str, int, bool, type(None))
_STRUCTURE = frozenset({"model-field", "dataclass-field", "typed-dict-field", "no-info"})
_BY_NAME = frozenset({"fields", "choices"})
_NOT_VALIDATION = frozenset(
    {"metadata", "serialization", "expected", "members", "default", "config", "computed_fields"}
)
_DIFFERENT_CONFIG = frozenset({"val_json_bytes", "strict"})


def same_in_json_mode(adapter: TypeAdapter[Any]) -> bool:
    """Whether `validate_json(body)` equals `validate_python(json.loads(body))` for valid bodies."""
    return all(_is_same(schema) for schema in _schemas(adapter.core_schema))


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema within a core schema: the dicts that have a `type`."""
    if isinstance(node, list | tuple):
        for child in node:
            yield from _schemas(child)
    elif isinstance(node, dict):
        yield node
        for key, child in node.items():
            if key in _BY_NAME and isinstance(child, dict):
                yield from _schemas(list(child.values()))
            elif key not in _NOT_VALIDATION:
                yield from _schemas(child)


def _is_same(schema: dict[str, Any]) -> bool:
    kind = schema["type"]
    config = schema.get("config") or {}
    if schema.get("strict") or any(config.get(key) for key in _DIFFERENT_CONFIG):
        return False
    if kind == "union":
        return all(_choice(choice).get("type") in _UNION_MEMBERS for choice in schema["choices"])
    if kind == "literal":
        return all(type(value) in _PRIMITIVES for value in schema["expected"])
    if kind == "enum":
        return all(type(member.value) in _PRIMITIVES for member in schema["members"])
    if kind in _FUNCTIONS:
        return bool(schema["function"]["type"] == "no-info")
    if kind == "tagged-union":
        return isinstance(schema["discriminator"], str)
    return kind in _PLAIN or kind in _STRUCTURE


def _choice(choice: Any) -> Any:
    return choice[0] if isinstance(choice, tuple) else choice
