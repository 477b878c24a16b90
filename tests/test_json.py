"""`covet.json` against the standard library, orjson and FastAPI's encoder."""

from __future__ import annotations

import dataclasses
import enum
import gc
import ipaddress
import json
import math
import pathlib
import re
import sys
import threading
import tracemalloc
import types
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
import pytest
from fastapi.encoders import jsonable_encoder
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AnyUrl,
    BaseModel,
    ConfigDict,
    Field,
    NameEmail,
    RootModel,
    SecretBytes,
    SecretStr,
    computed_field,
)
from pydantic.dataclasses import dataclass as pydantic_dataclass
from pydantic_core import PydanticUndefined, Url

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


# --- what FastAPI writes


class Color(enum.Enum):
    RED = "red"
    TWO = 2
    NONE = None


class Mode(str, enum.Enum):  # noqa: UP042 - StrEnum is something else
    FAST = "fast"


class Level(enum.IntEnum):
    LOW = 1


class Perm(enum.Flag):
    R = 1
    W = 2


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not this"


class Number(int):
    def __repr__(self) -> str:
        return "not this"


class Real(float):
    def __repr__(self) -> str:
        return "not this"


class Row(NamedTuple):
    id: int
    name: str


Point = namedtuple("Point", "x y")


class Rows(list[int]):
    def __iter__(self) -> Iterator[int]:
        return iter([7, 8])


class Table(dict[str, int]):
    def items(self) -> Any:
        return [("from", 1), ("items", 2)]

    def keys(self) -> Any:
        return ["from", "items"]


@dataclasses.dataclass
class Inner:
    when: date
    _sa_state: int = 5


@dataclasses.dataclass
class Outer:
    id: int
    inner: Inner
    others: list[Inner]
    by_name: dict[str, Inner]
    color: Color = Color.RED


@dataclasses.dataclass(slots=True, frozen=True)
class Slotted:
    a: int
    hidden: dataclasses.InitVar[int] = 0
    b: str = dataclasses.field(default="x", init=False)


@pydantic_dataclass
class Validated:
    n: int
    when: datetime


class Child(BaseModel):
    name: str = Field(alias="childName")
    when: datetime


class Parent(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: int
    price: Decimal
    took: timedelta
    child: Child
    children: dict[str, list[Child]]
    color: Color

    @computed_field
    def double(self) -> int:
        return self.id * 2


class Dumped(BaseModel):
    a: int

    def model_dump(self, **options: Any) -> dict[str, Any]:
        return {"own": self.a, **{name: options[name] for name in ("mode", "by_alias")}}


class Plain:
    def __init__(self) -> None:
        self.a = 1
        self.b = [Row(1, "x")]
        self._sa_instance_state = object()


class Mapped(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return {"k": 1, "l": [2]}[key]

    def __iter__(self) -> Iterator[str]:
        return iter("kl")

    def __len__(self) -> int:
        return 2


class Pairs:
    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter([("a", 1), ("b", 2)])


class Unslotted:
    keys = 5

    def __init__(self) -> None:
        self.a = Color.RED


class OwnDateTime(datetime):
    def isoformat(self, *args: Any, **options: Any) -> str:
        return "my own form"


class OwnDelta(timedelta):
    def total_seconds(self) -> float:
        return 1.25


class OwnDecimal(Decimal):
    def __str__(self) -> str:
        return "not this"


MODEL = Parent(
    id=1,
    price=Decimal("1.10"),
    took=timedelta(hours=1),
    child=Child(childName="é", when=datetime(2026, 1, 2)),
    children={"x": [Child(childName="y", when=datetime(2026, 1, 2, tzinfo=UTC))]},
    color=Color.RED,
    more={"z": [1.5]},
)
NEW_YORK = ZoneInfo("America/New_York")

DECIMALS = (
    *("0", "-0", "1", "-1", "007", "1.0", "1.10", "-0.5", "1E+3", "1E3", "1E-10", "0E-3", "0E+3"),
    *("-0.0", "1" * 40, "0." + "123" * 10, "9999999999999999.9", "1.5E+400", "1E-400"),
)

EXOTIC: dict[str, Any] = {
    "enum": [Color.RED, Color.TWO, Color.NONE, Mode.FAST, Level.LOW, Perm.R | Perm.W],
    "enum keys": {Color.RED: 1, Mode.FAST: 2, Level.LOW: 3, Color.NONE: 4},
    "subclasses": [Text("t"), Number(5), Number(2**90), Real(1.5), Text("é" * 20)],
    "subclass keys": {Text("t"): 1, Number(5): 2, Real(1.5): 3, Text("_sa"): 4},
    "dates": [date(1, 1, 1), date(9999, 12, 31), date(2026, 11, 5)],
    "datetimes": [
        datetime.min,
        datetime.max,
        datetime(2026, 11, 5, 9, 8, 7),
        datetime(2026, 11, 5, 9, 8, 7, 1),
        datetime(2026, 11, 5, 9, 8, 7, 120000, tzinfo=UTC),
        datetime(2026, 11, 5, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
        datetime(2026, 11, 5, tzinfo=timezone(timedelta(0), "Z")),
        datetime(2026, 7, 5, tzinfo=NEW_YORK),
        datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1),
        OwnDateTime(2026, 1, 1),
    ],
    "times": [
        time(),
        time.max,
        time(1, 2, 3, 4),
        time(1, 2, tzinfo=UTC),
        time(1, tzinfo=timezone(timedelta(hours=2))),
        time(1, tzinfo=NEW_YORK),
    ],
    "timedeltas": [
        timedelta(),
        timedelta(days=1, microseconds=1),
        timedelta(days=-1, seconds=1, microseconds=999999),
        timedelta(microseconds=-1),
        timedelta.max,
        timedelta.min,
        timedelta(days=104249, microseconds=7),
        OwnDelta(),
    ],
    "uuids": [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.uuid5(uuid.NAMESPACE_DNS, "a")],
    "decimals": [Decimal(text) for text in DECIMALS],
    "own decimal": OwnDecimal("1.5"),
    "sets": [{1}, frozenset({"a"}), set(), frozenset()],
    "deque": deque([1, deque()], maxlen=5),
    "tuples": [Row(1, "x"), Point(1, [2])],
    "overridden": [Rows([1]), Table(x=1)],
    "dicts": [OrderedDict(b=1, a=2), defaultdict(list, a=[1]), Counter("aab")],
    "typed keys": {
        uuid.UUID(int=5): 1,
        date(2026, 1, 2): 2,
        datetime(2026, 1, 2): 3,
        Decimal("1.5"): 4,
        timedelta(1): 5,
        b"bytes": 6,
        pathlib.PurePosixPath("/p"): 7,
        ipaddress.ip_address("::1"): 8,
    },
    "sqlalchemy keys": {"_sa": 1, "_sa_x": 2, "a": 3, "_s": 4},
    "only sqlalchemy keys": [{"_sa": 1}, {"_sab": 1, "_sac": [2]}],
    "bytes": [b"", b"abc", "é😀".encode()],
    "paths": [pathlib.Path("/a/b"), pathlib.PureWindowsPath("c:\\d")],
    "addresses": [
        ipaddress.ip_address("127.0.0.1"),
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_interface("fe80::1/64"),
    ],
    "patterns": [re.compile("a+\\d")],
    "secrets": [SecretStr("s"), SecretBytes(b"s")],
    "urls": [AnyUrl("http://example.org/é"), Url("http://a.b"), NameEmail("n", "n@example.org")],
    "undefined": PydanticUndefined,
    "dataclass": Outer(1, Inner(date(2026, 1, 1)), [Inner(date.min)], {"k": Inner(date.max)}),
    "slotted dataclass": Slotted(1),
    "pydantic dataclass": Validated(1, datetime(2026, 1, 1)),
    "model": MODEL,
    "model in containers": {"x": [MODEL, (MODEL,)]},
    "root model": RootModel[list[int]]([1, 2]),
    "model with its own dump": Dumped(a=1),
    "plain object": Plain(),
    "mapping": Mapped(),
    "iterable of pairs": Pairs(),
    "object with an odd keys": Unslotted(),
    "namespace": types.SimpleNamespace(a=1, b=types.SimpleNamespace()),
    "mapping proxy": types.MappingProxyType({"a": 1}),
    "dict items": {"a": 1}.items(),
}


@pytest.mark.parametrize("value", EXOTIC.values(), ids=EXOTIC)
def test_other_types_are_written_as_fastapi_does(value: Any) -> None:
    assert dumps(value) == fastapi(value)


BEYOND: list[tuple[Any, Any]] = [
    (enum.Enum("E", {"A": date(2026, 1, 2)})["A"], "2026-01-02"),
    (re.compile(b"x"), "x"),
    (range(3), [0, 1, 2]),
    (range(0), []),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    (iter([1, 2]), [1, 2]),
    (map(str, [1]), ["1"]),
    (zip("ab", [1, 2], strict=True), [["a", 1], ["b", 2]]),
]


@pytest.mark.parametrize(("value", "meaning"), BEYOND, ids=lambda value: type(value).__name__)
def test_where_fastapi_fails_or_depends_on_the_contents(value: Any, meaning: Any) -> None:
    assert loads(dumps(value)) == meaning


def test_generators_are_arrays() -> None:
    rows = (Row(n, str(n)) for n in range(3))
    assert dumps({"rows": rows}) == b'{"rows":[[0,"0"],[1,"1"],[2,"2"]]}'
    assert dumps(rows) == b"[]"


def test_a_model_is_written_by_pydantic() -> None:
    class Reading(BaseModel):
        model_config = ConfigDict(ser_json_inf_nan="strings")
        value: float

    class Default(BaseModel):
        value: float

    assert dumps(Reading(value=math.nan)) == b'{"value":"NaN"}'
    assert dumps(Default(value=math.inf)) == b'{"value":null}'
    assert dumps(MODEL) == MODEL.model_dump_json(by_alias=True).encode()


def test_a_struct_is_written_by_msgspec() -> None:
    msgspec = pytest.importorskip("msgspec")
    struct = msgspec.defstruct(
        "Item", [("some_name", int), ("when", date)], rename="camel", tag="item"
    )
    item = struct(1, date(2026, 1, 2))
    assert dumps([item]) == b'[{"type":"item","someName":1,"when":"2026-01-02"}]'


def test_models_and_structs_in_one_document() -> None:
    assert loads(dumps([MODEL, Slotted(1), Row(1, "x")]))[1:] == [{"a": 1, "b": "x"}, [1, "x"]]


# --- errors


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


# --- loads


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
