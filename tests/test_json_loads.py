"""`covet.json.loads` against the standard library."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_json import PLAIN, VALUES, stdlib
from test_json_faults import deep

from covet.json import JSONDecodeError, dumps, loads


@pytest.mark.parametrize("value", PLAIN.values(), ids=PLAIN)
def test_plain_documents_are_read_back(value: Any) -> None:
    written = stdlib(value)
    for document in (written, bytearray(written), memoryview(written), written.decode()):
        assert repr(loads(document)) == repr(json.loads(written))


GOOD = [
    *(' [ 1 , { "a" : [ ] } ] ', "\t\r\n1\n", '"\\u00e9\\ud83d\\ude00\\/\\b\\f\\n\\r\\t"'),
    *("-0", "-0.0", "1e5", "1E+5", "1.5e-7", "123456789012345678901234567890", "1" * 4300),
    *('{"a": 1, "a": 2}', '"\\u0000"', '"\x7f"', "1e400", "0.1", "[[[]]]", "{}", '{"": {}}'),
]


@pytest.mark.parametrize("document", GOOD)
def test_documents_mean_what_they_mean_to_the_standard_library(document: str) -> None:
    assert repr(loads(document)) == repr(json.loads(document))
    assert repr(loads(document.encode())) == repr(json.loads(document))


SAME_ERROR = [
    *("", " ", "[", "[1", "[1,", "[1 2]", "[,", "{", '{"a', '{"a":', '{"a":1', '{"a" 1}'),
    *('{"a":1 "b"}', "{a:1}", "{1:2}", "{,}", '"abc', '"a\nb"', '"\\x"', '"\\', "tru", "trux"),
    *("nul", "x", "1 2", "{} x", "-", ".5", "+1", "[1,\n 2,\n x]", '["é", x]', "]", "}", "[}"),
    *("{]", "'a'", "[1}", '{"a":1]', '"\x00"', '"\t"', '{"a":1,b}', "[1,tru", "0x1", "1_0"),
    *('["\\\\", "\\"', '["a", "b'),
]


@pytest.mark.parametrize("document", SAME_ERROR)
def test_errors_are_those_of_the_standard_library(document: str) -> None:
    with pytest.raises(json.JSONDecodeError) as expected:
        json.loads(document)
    for data in (document, document.encode(), bytearray(document.encode())):
        with pytest.raises(JSONDecodeError) as caught:
            loads(data)
        ours, theirs = caught.value, expected.value
        assert (ours.msg, ours.pos, ours.doc) == (theirs.msg, theirs.pos, theirs.doc)
        assert (ours.lineno, ours.colno) == (theirs.lineno, theirs.colno)


OWN_ERROR = [
    ("[1,]", "Illegal trailing comma before end of array", 2),
    ('{"a":1 , }', "Illegal trailing comma before end of object", 7),
    ('{"a"', "Expecting ':' or ',' delimiter", 4),
    ("01", "Invalid number", 1),
    ("1.", "Expecting value", 0),
    ("1.e1", "Invalid number", 2),
    ("NaN", "Expecting value", 0),
    ("[Infinity]", "Expecting value", 1),
    ("-Infinity", "Invalid number", 1),
    ('"\\ud800"', "Lone surrogate in \\uXXXX escape", 7),
    ('"\\udc00"', "Lone surrogate in \\uXXXX escape", 6),
    ('"\\u12g4"', "Invalid \\escape", 4),
    ('"é\ud800"', "Invalid surrogate", 2),
    (b'"\xff"', "Invalid UTF-8", 1),
    (b'["\xc3\xa9", "\xe2\x82"]', "Invalid UTF-8", 7),
    (b"\xff", "Expecting value", 0),
    ("1" * 4400, "Invalid number", 4301),
    ("[" * 1000, "Nested too deeply", None),
    ('{"a":' * 100_000, "Nested too deeply", None),
]


@pytest.mark.parametrize(
    ("document", "message", "place"), OWN_ERROR, ids=[repr(case[0])[:20] for case in OWN_ERROR]
)
def test_errors_of_our_own(document: str | bytes, message: str, place: int | None) -> None:
    with pytest.raises(JSONDecodeError) as caught:
        loads(document)
    assert caught.value.msg == message
    assert place is None or caught.value.pos == place


def test_a_byte_order_mark_is_skipped() -> None:
    assert loads(b"\xef\xbb\xbf[1]") == [1]


def test_nesting_of_200_levels_is_read() -> None:
    assert loads("[" * 200 + "]" * 200) == deep(200)


@pytest.mark.parametrize("value", [None, 1, 1.5, [], {}, object(), ["[1]"]])
def test_only_text_and_bytes_are_read(value: Any) -> None:
    with pytest.raises(TypeError, match="must be str, bytes, bytearray or memoryview, not"):
        loads(value)


@given(st.binary())
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        ours = loads(data)
    except JSONDecodeError:
        return
    assert repr(ours) == repr(json.loads(data.decode("utf-8-sig")))


@given(VALUES, st.data())
def test_a_document_that_is_cut_is_refused(value: Any, data: st.DataObject) -> None:
    document = dumps([value])
    cut = data.draw(st.integers(0, len(document) - 1))
    with pytest.raises(JSONDecodeError):
        loads(document[:cut])
