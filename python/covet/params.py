"""Where a parameter comes from and what it must satisfy: pydantic field infos with a source."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar, Literal, TypedDict

from pydantic import AliasChoices, AliasPath, Discriminator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typing_extensions import Unpack, deprecated

from covet.exceptions import CovetDeprecationWarning, RouteError

__all__ = ["Body", "Cookie", "Header", "Param", "ParamOptions", "ParamTypes", "Path", "Query"]


class ParamTypes(Enum):
    """The places of a request, other than its body, that a parameter can come from."""

    query = "query"
    header = "header"
    path = "path"
    cookie = "cookie"


class ParamOptions(TypedDict, total=False):
    """What every kind of parameter accepts by keyword; all optional.

    The constraints (`gt` to `decimal_places`) and `strict`, `discriminator`, `union_mode`,
    `fail_fast`, `validate_default` are pydantic's and mean what they mean there. `alias` is the
    name on the wire, `validation_alias` takes precedence over it. The others describe the
    parameter in the OpenAPI document.
    """

    default_factory: Callable[[], Any] | None
    annotation: Any
    alias: str | None
    alias_priority: int | None
    validation_alias: str | AliasPath | AliasChoices | None
    serialization_alias: str | None
    title: str | None
    description: str | None
    gt: float | None
    ge: float | None
    lt: float | None
    le: float | None
    min_length: int | None
    max_length: int | None
    pattern: str | re.Pattern[str] | None
    regex: str | None
    discriminator: str | Discriminator | None
    strict: bool | None
    validate_default: bool | None
    union_mode: Literal["smart", "left_to_right"] | None
    fail_fast: bool | None
    multiple_of: float | None
    allow_inf_nan: bool | None
    max_digits: int | None
    decimal_places: int | None
    examples: list[Any] | None
    example: Any
    openapi_examples: dict[str, Any] | None
    deprecated: deprecated | str | bool | None
    include_in_schema: bool
    json_schema_extra: dict[str, Any] | Callable[[dict[str, Any]], None] | None


def _field_options(default: Any, options: ParamOptions) -> dict[str, Any]:
    """The keyword arguments of pydantic's `FieldInfo` for those of a parameter."""
    given: dict[str, Any] = {"default": default, **options}
    for ours in ("example", "openapi_examples", "include_in_schema"):
        given.pop(ours, None)
    regex = given.pop("regex", None)
    if regex is not None:
        given["pattern"] = given.get("pattern") or regex
    alias = given.get("alias")
    if alias is not None:
        for other in ("validation_alias", "serialization_alias"):
            if given.get(other) is None:
                given[other] = alias
    return given


def _warn_renamed(old: str, new: str) -> None:
    # The frames between: this, the base class, the class, the function in `param_functions`.
    warnings.warn(
        f"`{old}` is deprecated, use `{new}`", category=CovetDeprecationWarning, stacklevel=5
    )


class _Described(FieldInfo):  # type: ignore[misc]  # final by declaration, subclassed by design
    """What parameters and bodies share: pydantic's options and those for OpenAPI."""

    example: Any
    openapi_examples: dict[str, Any] | None
    include_in_schema: bool

    def __init__(self, default: Any, options: ParamOptions) -> None:
        unknown = options.keys() - ParamOptions.__optional_keys__
        if unknown:
            raise TypeError(f"{type(self).__name__} has no option {sorted(unknown)[0]!r}")
        if "example" in options:
            _warn_renamed("example", "examples")
        if options.get("regex") is not None:
            _warn_renamed("regex", "pattern")
        self.example = options.get("example")
        self.openapi_examples = options.get("openapi_examples")
        self.include_in_schema = options.get("include_in_schema", True)
        super().__init__(**_field_options(default, options))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.default})"


class Param(_Described):  # type: ignore[misc]
    """A parameter outside the body; use one of its subclasses."""

    in_: ClassVar[ParamTypes] = ParamTypes.query

    def __init__(self, default: Any = PydanticUndefined, **options: Unpack[ParamOptions]) -> None:
        super().__init__(default, options)


class Path(Param):  # type: ignore[misc]
    """A part of the path, named in braces in the route. Always required."""

    in_: ClassVar[ParamTypes] = ParamTypes.path

    def __init__(self, default: Any = ..., **options: Unpack[ParamOptions]) -> None:
        if default is not ...:
            raise RouteError("Path parameters cannot have a default value")
        _Described.__init__(self, default, options)


class Query(Param):  # type: ignore[misc]
    """A value, or with a list or set annotation all values, of the query string."""

    in_: ClassVar[ParamTypes] = ParamTypes.query


class Header(Param):  # type: ignore[misc]
    """A request header. `user_agent` is read from `user-agent` unless told otherwise."""

    in_: ClassVar[ParamTypes] = ParamTypes.header
    convert_underscores: bool

    def __init__(
        self,
        default: Any = PydanticUndefined,
        *,
        convert_underscores: bool = True,
        **options: Unpack[ParamOptions],
    ) -> None:
        self.convert_underscores = convert_underscores
        _Described.__init__(self, default, options)


class Cookie(Param):  # type: ignore[misc]
    """A cookie of the request."""

    in_: ClassVar[ParamTypes] = ParamTypes.cookie


class Body(_Described):  # type: ignore[misc]
    """The request body, or with `embed` or several of them, one key of it."""

    embed: bool | None
    media_type: str

    def __init__(
        self,
        default: Any = PydanticUndefined,
        *,
        embed: bool | None = None,
        media_type: str = "application/json",
        **options: Unpack[ParamOptions],
    ) -> None:
        self.embed = embed
        self.media_type = media_type
        super().__init__(default, options)
