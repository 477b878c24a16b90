"""Where bytes are validated straight, the result is that of validating the parsed JSON."""

from __future__ import annotations

import dataclasses
import enum
import json
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    field_validator,
)
from typing_extensions import TypedDict

from covet._json_mode import same_in_json_mode


class Kind(enum.Enum):
    A = "a"
    ONE = 1


class Number(enum.IntEnum):
    ONE = 1


class Tupled(enum.Enum):
    PAIR = (1, 2)


class Nested(BaseModel):
    type: Literal["nested"] = "nested"
    default: list[int] = []
    config: bool | None = None


class Other(BaseModel):
    type: Literal["other"]


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.5


class Keyed(TypedDict, total=False):
    a: int
    b: list[str]


class Model(BaseModel):
    model_config = ConfigDict(extra="allow")
    a: int
    b: str = ""
    c: float | None = None
    d: dict[str, int] = {}
    nested: Nested | None = None
    kind: Kind | None = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    day: date


class StrictField(BaseModel):
    day: Annotated[date, Field(strict=True)]
    metadata: Nested | None = None


class Base64(BaseModel):
    model_config = ConfigDict(val_json_bytes="base64")
    data: bytes


class SeesMode(BaseModel):
    a: int

    @field_validator("a", mode="before")
    @classmethod
    def look(cls, value: Any, info: ValidationInfo) -> Any:
        return 1 if info.mode == "python" else 2


class Hidden(BaseModel):
    """The field that differs is called as a key that does not matter elsewhere."""

    metadata: date | str


def doubled(value: int) -> int:
    return value * 2


def passed(value: Any, handler: Any) -> Any:
    return handler(value)


STRAIGHT: list[Any] = [
    bool,
    int,
    float,
    str,
    bytes,
    date,
    datetime,
    time,
    timedelta,
    uuid.UUID,
    Kind,
    Number,
    Any,
    None,
    Literal["a", 1, True],
    int | None,
    int | str,
    str | float | bool | None,
    list[int],
    set[str],
    frozenset[int],
    tuple[int, str],
    tuple[int, ...],
    dict[str, int],
    dict[int, float],
    Mapping[str, int],
    dict[date, str],
    dict[uuid.UUID, bool],
    list[dict[str, list[int | None]]],
    Nested,
    Point,
    Keyed,
    Model,
    list[Model],
    Annotated[Nested | Other, Field(discriminator="type")],
    Annotated[int, AfterValidator(doubled)],
    Annotated[int, WrapValidator(passed)],
    Annotated[list[int], Field(min_length=1)],
]
DIFFERENT: list[Any] = [
    date | str,
    list[int] | set[int],
    Nested | Other,
    Literal[Kind.A],
    Tupled,
    Decimal,
    Path,
    IPv4Address,
    Sequence[int],
    deque[int],
    StrictInt,
    Strict,
    list[Strict],
    StrictField,
    Base64,
    SeesMode,
    Hidden,
    complex,
]


@pytest.mark.parametrize("type_", DIFFERENT, ids=str)
def test_what_may_differ_is_not_validated_from_bytes(type_: Any) -> None:
    assert not same_in_json_mode(TypeAdapter(type_))


@pytest.mark.parametrize("type_", STRAIGHT, ids=str)
def test_what_does_not_differ_is(type_: Any) -> None:
    assert same_in_json_mode(TypeAdapter(type_))


NAMES = st.sampled_from(["a", "b", "c", "d", "x", "y", "type", "default", "nested", "1", "1.5"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.integers(min_value=0, max_value=3),
    st.floats(allow_nan=False),
    st.text(max_size=3),
    st.sampled_from(["nested", "other", "a", "1", "0.5", "true", "2026-11-23", "10:00", "P1D"]),
    st.uuids().map(str),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


def result(validate: Any) -> Any:
    """The value with its type; one word for every refusal: those are worded by Python mode."""
    try:
        value = validate()
    except ValidationError:
        return "refused"
    return type(value), repr(value)


def both(adapter: TypeAdapter[Any], body: bytes) -> tuple[Any, Any]:
    """From the bytes, and from the parsed JSON. What the bytes refuse is asked the other way."""
    return (
        result(lambda: adapter.validator.validate_json(body)),
        result(lambda: adapter.validate_python(json.loads(body), from_attributes=True)),
    )


@given(DOCUMENTS)
def test_same_result_for_any_document(document: Any) -> None:
    body = json.dumps(document).encode()
    for adapter in ADAPTERS:
        straight, parsed = both(adapter, body)
        assert straight in (parsed, "refused"), adapter


ADAPTERS = [TypeAdapter(type_) for type_ in STRAIGHT]
MODELS = [TypeAdapter(type_) for type_ in (Model, Point, Keyed, Nested)]


@given(st.dictionaries(NAMES, DOCUMENTS, max_size=6), st.integers(0, 9))
def test_same_result_for_objects(document: dict[str, Any], number: int) -> None:
    body = json.dumps({**document, "a": number, "x": number}).encode()
    for adapter in MODELS:
        straight, parsed = both(adapter, body)
        assert straight in (parsed, "refused"), adapter


def test_the_last_of_equal_keys_counts() -> None:
    assert TypeAdapter(Model).validator.validate_json(b'{"a": 1, "a": 2}') == Model(a=2)
