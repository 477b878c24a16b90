"""`covet.json` against the standard library, orjson and FastAPI's encoder."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import orjson
import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import given
from hypothesis import strategies as st

from covet.json import JSONDecodeError, dumps, loads


def stdlib(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()


def fastapi(value: Any) -> bytes:
    """What FastAPI answers for a handler with no declared return type."""
    return stdlib(jsonable_encoder(value))


# --- what the standard library writes


def around(*numbers: int) -> list[int]:
    return [sign * (n + step) for n in numbers for step in (-1, 0, 1) for sign in (1, -1)]


PLAIN: dict[str, Any] = {
    "null": None,
    "booleans": [True, False],
    "integers": around(*(10**n for n in range(25)), 2**31, 2**32, 2**63, 2**64),
    "large integer": 7**1000,
    "floats": [s * m * 10.0**e for s in (1, -1) for m in (1, 1.5, 9.99) for e in range(-30, 30)],
    "float ends": [0.0, -0.0, 5e-324, sys.float_info.min, sys.float_info.max, 0.1 + 0.2],
    "float edges": [math.nextafter(n, t) for n in (1e-9, 1e-5, 1e-4, 1e16) for t in (0, n, 1)],
    "empty": [[], {}, "", [[]], [{}], {"": ""}],
    "nested": {"a": [{"b": [{"c": [1, [2, [3, {}]]]}]}], "d": {"e": {"f": {}}}},
    "tuples": (1, ("a", (None,)), ()),
    "every control": "".join(map(chr, range(0x21))) + "\x7f\x80\x9f\u2028\u2029",
    "quotes": "a\"b\\c/d'e</script>",
    "latin-1": "café crème\n",
    "two bytes": 'Привет, "мир"\t',
    "three bytes": "漢字\\かな\u200b\ufffd\uffff",
    "four bytes": '😀 "x" \U0010ffff',
    "every width": ["a", "é", "я", "漢", "😀", "aéя漢😀"],
    "keys": {"": 1, "é": 2, 'a"b': 3, "😀": 4, "k" * 100: 5, "_s": 6, "s_a": 7},
    "other keys": {1: 1, -5: 2, 2**80: 3, 1.5: 4, 1e20: 5, False: 6, None: 7, "1": 8},
}
for _length in [*range(70), 1000]:
    PLAIN[f"{_length} letters"] = "x" * _length
for _place in range(40):
    PLAIN[f"escape at {_place}"] = "x" * _place + '"' + "y" * (40 - _place)
    PLAIN[f"wide escape at {_place}"] = "ж" * _place + '"' + "y" * (40 - _place)


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_documents_are_those_of_the_standard_library(value: Any) -> None:
    assert dumps(value) == stdlib(value)


@pytest.mark.parametrize(
    "name", [name for name in PLAIN if name not in {"large integer", "integers", "other keys"}]
)
def test_orjson_means_the_same(name: str) -> None:
    written = dumps(PLAIN[name])
    assert orjson.loads(written) == orjson.loads(orjson.dumps(PLAIN[name]))
    if "float" not in name:  # orjson writes 1e-05 as 1e-5 and 1e+16 as 1e16
        assert written.replace(b"\x7f", b"") == orjson.dumps(PLAIN[name]).replace(b"\x7f", b"")


@pytest.mark.parametrize("value", [PLAIN, list(PLAIN.values())], ids=["dict", "list"])
def test_a_response_of_many_kinds(value: Any) -> None:
    assert dumps(value) == stdlib(value)
    assert loads(dumps(value)) == json.loads(stdlib(value))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_any_document(value: Any) -> None:
    written = dumps(value)
    assert loads(written) == json.loads(written)
    assert written == fastapi(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float(number: float) -> None:
    assert dumps(number) == repr(number).encode()
    assert repr(loads(dumps(number))) == repr(number)


@given(st.integers(-(10**30), 10**30))
def test_any_integer(number: int) -> None:
    assert dumps(number) == str(number).encode()
    assert loads(dumps(number)) == number


@given(st.text(st.characters(codec="utf-8"), max_size=100))
def test_any_text(text: str) -> None:
    assert dumps(text) == stdlib(text)
    assert dumps({text: text}) == fastapi({text: text})
    assert loads(dumps(text)) == text
    kept = "é" + text
    with pytest.raises(JSONDecodeError):
        loads(kept)  # Python has encoded it for this, and keeps the UTF-8.
    assert dumps(kept) == stdlib(kept)
