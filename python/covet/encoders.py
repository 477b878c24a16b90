"""`jsonable_encoder`: any object as plain JSON data, with FastAPI's conversions."""

from __future__ import annotations

import dataclasses
import datetime
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from pathlib import PurePath
from re import Pattern
from types import GeneratorType
from typing import Any
from uuid import UUID

from pydantic import AnyUrl, BaseModel, NameEmail, SecretBytes, SecretStr
from pydantic_core import PydanticUndefinedType, Url

from covet.types import IncEx

__all__ = ["ENCODERS_BY_TYPE", "jsonable_encoder"]

Encoder = Callable[[Any], Any]


def _decimal(value: Decimal) -> int | float:
    """A whole number as an integer, so that an identifier stays one."""
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)


ENCODERS_BY_TYPE: dict[type[Any], Encoder] = {
    bytes: bytes.decode,
    datetime.date: datetime.date.isoformat,
    datetime.datetime: datetime.datetime.isoformat,
    datetime.time: datetime.time.isoformat,
    datetime.timedelta: datetime.timedelta.total_seconds,
    Decimal: _decimal,
    Enum: lambda member: member.value,
    frozenset: list,
    deque: list,
    GeneratorType: list,
    IPv4Address: str,
    IPv4Interface: str,
    IPv4Network: str,
    IPv6Address: str,
    IPv6Interface: str,
    IPv6Network: str,
    NameEmail: str,
    PurePath: str,
    Pattern: lambda pattern: pattern.pattern,
    SecretBytes: str,
    SecretStr: str,
    set: list,
    UUID: str,
    Url: str,
    AnyUrl: str,
}
"""How each type that JSON does not know is converted; may be extended."""

_SEQUENCES = (list, set, frozenset, GeneratorType, tuple, deque)


def jsonable_encoder(
    obj: Any,
    include: IncEx | None = None,
    exclude: IncEx | None = None,
    by_alias: bool = True,
    exclude_unset: bool = False,
    exclude_defaults: bool = False,
    exclude_none: bool = False,
    custom_encoder: dict[Any, Encoder] | None = None,
    sqlalchemy_safe: bool = True,
) -> Any:
    """Convert an object to what JSON can hold: dicts, lists, text, numbers, booleans and `None`.

    Args:
        obj: Anything: pydantic models, dataclasses, collections, dates, ...
        include: Keys to keep at the top; the others are left out.
        exclude: Keys to leave out at the top.
        by_alias: Whether models show the aliases of their fields.
        exclude_unset: Whether models leave out fields that nobody set.
        exclude_defaults: Whether models leave out fields that equal their default.
        exclude_none: Whether keys whose value is `None` are left out.
        custom_encoder: Conversions by type, before all others.
        sqlalchemy_safe: Whether keys that start with `_sa` are left out.

    Raises:
        ValueError: The object cannot be converted.
    """
    return _Encoding(
        by_alias=by_alias,
        exclude_unset=exclude_unset,
        exclude_defaults=exclude_defaults,
        exclude_none=exclude_none,
        custom_encoder=custom_encoder or {},
        sqlalchemy_safe=sqlalchemy_safe,
    ).encode(obj, _keys(include), _keys(exclude))


def _keys(selection: Any) -> Any:
    if selection is None or isinstance(selection, set | dict):
        return selection
    return set(selection)


@dataclasses.dataclass(frozen=True, slots=True)
class _Encoding:
    """The options of one call."""

    by_alias: bool
    exclude_unset: bool
    exclude_defaults: bool
    exclude_none: bool
    custom_encoder: dict[Any, Encoder]
    sqlalchemy_safe: bool

    def encode(self, obj: Any, include: Any = None, exclude: Any = None) -> Any:
        custom = self._custom(obj)
        if custom is not None:
            return custom(obj)
        if isinstance(obj, BaseModel):
            return self._model(obj, include, exclude)
        if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
            return self.encode(dataclasses.asdict(obj), include, exclude)
        if isinstance(obj, Enum):
            return obj.value
        if obj is None or isinstance(obj, str | int | float):
            return obj
        if isinstance(obj, PydanticUndefinedType):
            return None
        if isinstance(obj, dict):
            return self._dict(obj, include, exclude)
        if isinstance(obj, _SEQUENCES):
            return [self.encode(item, include, exclude) for item in obj]
        known = _known(obj)
        if known is not None:
            return known(obj)
        return self.encode(_as_dict(obj), include, exclude)

    def _custom(self, obj: Any) -> Encoder | None:
        if type(obj) in self.custom_encoder:
            return self.custom_encoder[type(obj)]
        return next(
            (encode for type_, encode in self.custom_encoder.items() if isinstance(obj, type_)),
            None,
        )

    def _model(self, obj: BaseModel, include: Any, exclude: Any) -> Any:
        dumped = obj.model_dump(
            mode="json",
            include=include,
            exclude=exclude,
            by_alias=self.by_alias,
            exclude_unset=self.exclude_unset,
            exclude_none=self.exclude_none,
            exclude_defaults=self.exclude_defaults,
        )
        plain = _Encoding(
            by_alias=True,
            exclude_unset=False,
            exclude_defaults=self.exclude_defaults,
            exclude_none=self.exclude_none,
            custom_encoder={},
            sqlalchemy_safe=self.sqlalchemy_safe,
        )
        return plain.encode(dumped)

    def _dict(self, obj: dict[Any, Any], include: Any, exclude: Any) -> dict[Any, Any]:
        return {
            self.encode(key): self.encode(value)
            for key, value in obj.items()
            if self._keeps(key, value)
            and (include is None or key in include)
            and (exclude is None or key not in exclude)
        }

    def _keeps(self, key: Any, value: Any) -> bool:
        if self.sqlalchemy_safe and isinstance(key, str) and key.startswith("_sa"):
            return False
        return value is not None or not self.exclude_none


def _known(obj: Any) -> Encoder | None:
    exact = ENCODERS_BY_TYPE.get(type(obj))
    if exact is not None:
        return exact
    return next(
        (encode for type_, encode in ENCODERS_BY_TYPE.items() if isinstance(obj, type_)), None
    )


def _as_dict(obj: Any) -> dict[str, Any]:
    """What an object of unknown type consists of: as a mapping, else its attributes."""
    try:
        return dict(obj)
    except Exception as not_a_mapping:
        try:
            attributes: dict[str, Any] = vars(obj)
        except TypeError as no_attributes:
            raise ValueError([not_a_mapping, no_attributes]) from no_attributes
        return attributes
