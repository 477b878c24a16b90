"""`jsonable_encoder` compared with FastAPI's, object by object."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import re
import uuid
from collections import deque
from decimal import Decimal
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from fastapi.encoders import jsonable_encoder as fastapi_encoder
from pydantic import AnyUrl, BaseModel, Field, SecretStr
from pydantic_core import PydanticUndefined

from covet.encoders import jsonable_encoder


class Color(enum.Enum):
    RED = "red"


class Inner(BaseModel):
    value: int = 1
    other: str | None = None


class Model(BaseModel):
    name: str = Field(alias="Name")
    inner: Inner = Inner()
    when: datetime.date = datetime.date(2026, 11, 23)
    none: int | None = None


@dataclasses.dataclass
class Point:
    x: int
    inner: Inner
    color: Color = Color.RED


class Attributes:
    def __init__(self) -> None:
        self.a = 1
        self._sa_hidden = 2
        self.when = datetime.date(2026, 11, 23)


class Pairs:
    def __iter__(self) -> Any:
        yield "a", 1
        yield "b", {2}


OBJECTS: list[Any] = [
    None,
    True,
    1,
    1.5,
    "text",
    b"bytes",
    Color.RED,
    uuid.UUID(int=5),
    Decimal("1"),
    Decimal("1.50"),
    Decimal("1E+3"),
    datetime.date(2026, 11, 23),
    datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC),
    datetime.time(12, 30),
    datetime.timedelta(hours=1, microseconds=5),
    ip_address("127.0.0.1"),
    ip_address("::1"),
    ip_network("10.0.0.0/8"),
    Path("/a/b"),
    re.compile("a+"),
    SecretStr("hidden"),
    AnyUrl("https://example.org"),
    PydanticUndefined,
    [1, {2}, (3,), deque([4]), frozenset([5])],
    {"a": Color.RED, Color.RED: 1, 3: None, "_sa_x": 1},
    Model(Name="n"),
    [Model(Name="n", none=None)],
    {"m": Inner(value=2)},
    Point(1, Inner()),
    Attributes(),
    Pairs(),
]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"by_alias": False},
    {"exclude_none": True},
    {"exclude_unset": True},
    {"exclude_defaults": True},
    {"include": {"name", "a", "x"}},
    {"exclude": ["name", "a", "x"]},
    {"sqlalchemy_safe": False},
    {"custom_encoder": {int: str, enum.Enum: lambda member: member.name}},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("obj", OBJECTS, ids=repr)
def test_same_as_fastapi(obj: Any, options: dict[str, Any]) -> None:
    assert jsonable_encoder(obj, **options) == fastapi_encoder(obj, **options)


def test_generators() -> None:
    assert jsonable_encoder(Color.RED for _ in range(2)) == ["red", "red"]


def test_what_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="not iterable"):
        jsonable_encoder(object())
