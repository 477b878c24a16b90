"""`covet.json` writes types that JSON does not have as FastAPI's encoder does."""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import math
import pathlib
import re
import types
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
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
from test_json import fastapi

from covet.json import dumps, loads


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
