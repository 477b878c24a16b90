"""JSON, as Covet's responses and request bodies have it.

`dumps` is the writer of every JSON response: what it writes, a handler that returns the same
object sends, byte for byte. `loads` is the parser of request bodies.
"""

from __future__ import annotations

from json import JSONDecodeError
from typing import Any

from covet._covet import json_dumps, json_loads

__all__ = ["JSONDecodeError", "dumps", "loads"]


def dumps(obj: object, /) -> bytes:
    r"""Write an object as compact JSON in UTF-8.

    Besides the types of the standard library's `json` (and their subclasses): `datetime`, `date`
    and `time` as `isoformat()`; `timedelta` in seconds; `UUID`, paths, IP addresses, pydantic's
    URLs, e-mail names, colours and secrets as `str()`; `Decimal` as an integer if it has no digits
    behind the point, else as a float; `bytes` decoded from UTF-8; enum members as their value;
    compiled patterns as their text; sets, deques, generators and other iterators as arrays;
    dataclasses as objects; pydantic models and msgspec structs by their own serializers, pydantic's
    by alias; anything else as `dict(obj)` or else `vars(obj)`. Keys may be of any type that is
    written as a string, number, boolean or `None`; those that begin with `_sa` are left out.

    Args:
        obj: What to write. A generator is consumed.

    Returns:
        The document, without spaces, in UTF-8. Only `"`, `\` and control characters are escaped.

    Raises:
        TypeError: for an object, or a key, that has no JSON form.
        ValueError: for NaN and infinities, cycles, nesting deeper than 512 levels, and (as
            `UnicodeError`) text or bytes that are not UTF-8.
        RuntimeError: when a list or dict changes size while it is being written.
        Exception: whatever the object's own code raises: a generator, `__str__`, a property.
    """
    return json_dumps(obj)


def loads(data: bytes | bytearray | memoryview | str, /) -> Any:
    """Read one JSON document (RFC 8259).

    Integers are exact, up to 4300 digits; of equal names in an object the last one counts. `NaN`
    and `Infinity` are not JSON and are refused, as are escaped surrogates without their other half.

    Args:
        data: The document, in UTF-8 if bytes. A byte order mark is skipped.

    Returns:
        Dicts, lists, strings, ints, floats, booleans and `None`.

    Raises:
        JSONDecodeError: if this is not one JSON document, or nests deeper than 200 levels. A
            `ValueError` with `msg`, `doc`, `pos`, `lineno` and `colno`.
        TypeError: for anything but text and bytes.
    """
    return json_loads(data)
