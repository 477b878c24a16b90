"""What `covet.json.dumps` refuses, what changes under its hands, and that it leaks nothing."""

from __future__ import annotations

import dataclasses
import gc
import math
import sys
import threading
import tracemalloc
import types
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from test_json_types import (
    EXOTIC,
    MODEL,
    Color,
    Inner,
    Outer,
    Plain,
    Real,
    Slotted,
    Table,
    Text,
)

from covet.json import dumps, loads


class Slots:
    __slots__ = ("a",)


def failing() -> Iterator[int]:
    yield 1
    raise LookupError("from the generator")


def cyclic_list() -> list[Any]:
    value: list[Any] = []
    value.append([1, value])
    return value


def cyclic_dict() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = {"b": value}
    return value


def cyclic_object() -> Plain:
    value = Plain()
    value.a = [value]  # type: ignore[assignment]
    return value


def deep(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


NAN = r"Out of range float values are not JSON compliant: "
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: math.nan, ValueError, NAN + "nan"),
    (lambda: [math.inf], ValueError, NAN + "inf"),
    (lambda: {"a": -math.inf}, ValueError, NAN + "-inf"),
    (lambda: {math.nan: 1}, ValueError, NAN + "nan"),
    (lambda: Real("nan"), ValueError, NAN + "nan"),
    (lambda: Decimal("NaN"), ValueError, NAN + "nan"),
    (lambda: Decimal("-Infinity"), ValueError, NAN + "-inf"),
    (object, TypeError, "Object of type object is not JSON serializable"),
    (lambda: [1, Slots()], TypeError, "Object of type Slots is not JSON serializable"),
    (lambda: 1j, TypeError, "Object of type complex is not JSON serializable"),
    (lambda: memoryview(b"x"), TypeError, "Object of type memoryview is not JSON serializable"),
    (lambda: Ellipsis, TypeError, "Object of type ellipsis is not JSON serializable"),
    (lambda: {(1, 2): 3}, TypeError, "keys must be str, int, float, bool or None, not tuple"),
    (lambda: {Slotted(1): 3}, TypeError, "keys must be .* not Slotted"),
    (lambda: {frozenset(): 3}, TypeError, "keys must be .* not frozenset"),
    (lambda: {object(): 3}, TypeError, "Object of type object is not JSON serializable"),
    (lambda: "\ud800", UnicodeEncodeError, "surrogates not allowed"),
    (lambda: ["é" * 50 + "\udfff"], UnicodeEncodeError, "surrogates not allowed"),
    (lambda: {"\ud800": 1}, UnicodeEncodeError, "surrogates not allowed"),
    (lambda: "😀\ud800", UnicodeEncodeError, "surrogates not allowed"),
    (lambda: Text("\ud800"), UnicodeEncodeError, "surrogates not allowed"),
    (lambda: b"\xff", UnicodeDecodeError, "invalid start byte"),
    (lambda: 10**5000, ValueError, "Exceeds the limit"),
    (cyclic_list, ValueError, "^Circular reference detected$"),
    (cyclic_dict, ValueError, "^Circular reference detected$"),
    (cyclic_object, ValueError, "^Circular reference detected$"),
    (lambda: deep(513), ValueError, "^JSON nested deeper than 512 levels$"),
    (lambda: deep(100_000), ValueError, "^JSON nested deeper than 512 levels$"),
    (failing, LookupError, "from the generator"),
    (lambda: {"rows": [failing()]}, LookupError, "from the generator"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_what_cannot_be_written(
    make: Callable[[], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        dumps(make())
    # And it leaves nothing behind: neither depth nor text.
    assert dumps(deep(512)) == b"[" * 512 + b"]" * 512


def test_the_cause_is_kept() -> None:
    class Strict:
        __slots__ = ()

        def __iter__(self) -> Iterator[int]:
            raise LookupError("why")

    with pytest.raises(TypeError) as caught:
        dumps(Strict())
    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_not_an_exception_passes(error: type[BaseException]) -> None:
    class Interrupted:
        def __iter__(self) -> Iterator[int]:
            raise error

    with pytest.raises(error):
        dumps(Interrupted())


def test_depth_counts_through_nested_calls() -> None:
    def nested(left: int) -> Iterator[bytes]:
        yield dumps([nested(left - 1)] if left else [])

    assert dumps([nested(5)]).count(b"\\") > 0
    value: Any = nested(0)
    for _ in range(511):
        value = [value]
    with pytest.raises(ValueError, match="nested deeper than 512 levels"):
        dumps(value)
    with pytest.raises((ValueError, RecursionError)):
        dumps(nested(5000))
    assert dumps(nested(0)) == b'["[]"]'


def test_the_depth_is_safe_on_a_small_stack() -> None:
    chain: Any = None
    for _ in range(512):
        chain = types.SimpleNamespace(a=chain)
    values = [deep(512), deep(100_000), cyclic_list(), chain, {"a": chain}]
    results: list[Any] = []

    def work() -> None:
        for value in values:
            try:
                results.append(len(dumps(value)))
            except ValueError:
                results.append(None)

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert results == [1024, None, None, 512 * 6 + 4, None]


# --- objects that change while they are written


class Act:
    """Runs something when it is written, and then is a number."""

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act

    def __iter__(self) -> Iterator[tuple[str, int]]:
        self.act()
        gc.collect()
        return iter([("done", 1)])


def test_a_list_that_changes() -> None:
    changes: list[Callable[[list[Any]], Any]] = [list.clear, list.pop, lambda it: it.append(1)]
    for change in changes:
        rows: list[Any] = list(map(str, range(100)))
        rows.insert(0, Act(partial(change, rows)))
        with pytest.raises(RuntimeError, match="list changed size"):
            dumps(rows)


def test_a_list_whose_item_goes_away() -> None:
    def replace() -> None:
        rows[0] = None
        rows[1] = "new"

    rows: list[Any] = [Act(replace), "old" * 50]
    assert dumps(rows) == b'[{"done":1},"new"]'


def test_a_dict_that_changes() -> None:
    changes: list[Callable[[dict[Any, Any]], Any]] = [
        dict.clear,
        dict.popitem,
        lambda it: it.update(x=1),
    ]
    for change in changes:
        rows: dict[Any, Any] = {}
        rows["a"] = Act(partial(change, rows))
        rows.update((str(n), n) for n in range(100))
        with pytest.raises(RuntimeError, match="dictionary changed size"):
            dumps(rows)


def test_a_dict_whose_entries_go_away() -> None:
    def replace() -> None:
        for key in list(rows):
            del rows[key]
        rows.update({f"n{n}": "v" * 50 for n in range(3)})

    rows: dict[Any, Any] = {"a": Act(replace), "b": "x" * 50, "c": ["y" * 50]}
    assert dumps(rows).startswith(b'{"a":{"done":1}')


def test_a_dict_that_a_key_changes() -> None:
    class Key:
        def __iter__(self) -> Iterator[int]:
            rows.clear()
            raise LookupError

        def __hash__(self) -> int:
            return 1

    rows: dict[Any, Any] = {Key(): ["x" * 50], "b": 1}
    with pytest.raises(TypeError, match="keys must be"):
        dumps(rows)


def test_objects_that_change() -> None:
    def change() -> None:
        plain.__dict__.clear()
        del outer.others
        counts.clear()

    plain: Any = types.SimpleNamespace(act=Act(change), more="x" * 50)
    outer: Any = Outer(1, Inner(date.min), [], {})
    counts: Any = Table(x=1)
    with pytest.raises(RuntimeError, match="dictionary changed size"):
        dumps([plain, outer, counts])
    with pytest.raises(AttributeError, match="others"):
        dumps(outer)


def test_a_finalizer_that_changes() -> None:
    class Last:
        def __del__(self) -> None:
            rows.clear()

        def __iter__(self) -> Iterator[Any]:
            rows[0] = None
            return iter([])

    rows: list[Any] = [Last(), "x" * 50]
    with pytest.raises(RuntimeError, match="list changed size"):
        dumps(rows)


def test_the_buffer_is_not_shared_with_nested_calls() -> None:
    inner: list[bytes] = []
    value = ["before", Act(lambda: inner.append(dumps("inner"))), "after"]
    assert dumps(value) == b'["before",{"done":1},"after"]'
    assert inner == [b'"inner"']


# --- leaks


def test_no_reference_is_kept_or_lost() -> None:
    shared = ["shared", "é" * 20]
    key, value = "key" * 5, object()
    documents: list[Any] = [
        {key: shared, 1: shared},
        (shared, key),
        Outer(1, Inner(date.min), [], {key: Inner(date.max)}),
        MODEL,
        OrderedDict({key: shared}),
        {key: value},
        [1, {key: math.nan}],
        {(key,): shared},
    ]
    watched = [*documents, shared, key, value, type(documents[2]), None, Color.RED]

    def write() -> None:
        for document in documents:
            try:
                dumps(document)
            except (TypeError, ValueError):
                continue

    write()
    before = [sys.getrefcount(item) for item in watched]
    for _ in range(200):
        write()
    assert [sys.getrefcount(item) for item in watched] == before


def refused(function: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        function(value)


@pytest.mark.parametrize(
    "work",
    [
        lambda: dumps(EXOTIC["dataclass"]),
        lambda: dumps(MODEL),
        lambda: dumps([{"a": uuid.UUID(int=5), "b": Decimal("1E+5"), 5: 10**40}]),
        lambda: refused(dumps, [math.nan]),
        lambda: refused(dumps, {(): 1}),
        lambda: loads(b'{"a": [1, 2.5, "x", null, {"b": "\\u00e9"}]}'),
        lambda: refused(loads, b'{"a": [1, 2.5, "x", nul'),
    ],
    ids=["dataclass", "model", "others", "ValueError", "TypeError", "loads", "decode error"],
)
def test_memory_stays_level(work: Callable[[], Any]) -> None:
    def held() -> int:
        for _ in range(5000):
            work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        held()
        first, second = held(), held()
    finally:
        tracemalloc.stop()
    assert second - first < 5000


def test_classes_do_not_pile_up() -> None:
    """Of the classes it has met, Covet remembers 128 and no more."""

    def make() -> None:
        @dataclasses.dataclass
        class Local:
            a: int = 1

        dumps(Local())

    def alive() -> int:
        gc.collect()
        classes = (item for item in gc.get_objects() if type(item) is type)
        return sum(1 for item in classes if item.__name__ == "Local")

    for _ in range(300):
        make()
    assert alive() <= 128
