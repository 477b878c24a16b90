"""From a handler's signature to the parameters the engine fills in.

The rules are FastAPI's: a name in braces in the path is a path parameter, a scalar is a query
parameter, anything richer is the body, and `Query()`, `Header()` and the like say otherwise.
"""

from __future__ import annotations

import inspect
from copy import copy
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from pydantic import AliasChoices, AliasPath, Json
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typing_inspection.typing_objects import is_typealiastype

from covet import params
from covet._annotations import (
    is_scalar,
    is_scalar_sequence,
    is_sequence,
    is_subclass,
    is_union,
    model_of,
)
from covet._fields import ModelField, merge
from covet._json_mode import same_in_json_mode
from covet._plan import BodySpec, ParamSpec, Scalar, Source
from covet._signature import Signature
from covet.exceptions import RouteError
from covet.requests import HTTPConnection
from covet.responses import Response

__all__ = ["Dependant", "Parameter", "analyze"]

_JSON: Any = Json
_ENGINE_SCALARS: tuple[tuple[Any, Scalar], ...] = (
    (Any, "str"),
    (str, "str"),
    (int, "int"),
    (float, "float"),
    (bool, "bool"),
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a handler: a declared value, or the request itself (no field)."""

    name: str
    field: ModelField | None
    keyword_only: bool

    @property
    def in_path(self) -> bool:
        """Whether it is declared as a path parameter."""
        return self.field is not None and isinstance(self.field.field_info, params.Path)

    @property
    def in_body(self) -> bool:
        """Whether it is the body or a key of it."""
        return self.field is not None and isinstance(self.field.field_info, params.Body)


@dataclass(frozen=True, slots=True)
class Dependant:
    """A handler's parameters, in the order of its signature."""

    parameters: tuple[Parameter, ...]

    @property
    def body_params(self) -> list[ModelField]:
        """The parameters that come from the body."""
        return [found.field for found in self.parameters if found.field and found.in_body]

    @property
    def embeds_body(self) -> bool:
        """Whether the body is an object with one key per parameter."""
        fields = self.body_params
        return len(fields) > 1 or any(_wants_embedding(field) for field in fields)

    def path_names(self) -> set[str]:
        """The names the route's pattern must provide."""
        return {found.field.alias for found in self.parameters if found.field and found.in_path}

    def param_specs(self) -> tuple[ParamSpec, ...]:
        """The parameters as the engine wants them."""
        embed = self.embeds_body
        return tuple(_param_spec(parameter, embed=embed) for parameter in self.parameters)

    def body_spec(self, *, strict_content_type: bool) -> BodySpec:
        """How the body is read."""
        fields = self.body_params
        if not fields:
            asks = any(parameter.field is None for parameter in self.parameters)
            return BodySpec(kind="stream" if asks else "none")
        straight = len(fields) == 1 and not self.embeds_body
        return BodySpec(
            kind="json",
            embed=self.embeds_body,
            strict_content_type=strict_content_type,
            validate_json=fields[0].validate_json
            if straight and same_in_json_mode(fields[0].adapter)
            else None,
        )


def analyze(
    signature: Signature, path_names: set[str], *, request_first: bool = False
) -> Dependant:
    """Decide where every argument comes from.

    Args:
        signature: The handler's signature.
        path_names: The names in braces in the route's path and host.
        request_first: Whether a first parameter without annotation and default is the request.

    Raises:
        RouteError: A parameter cannot be served as declared; the message names it.
    """
    found = []
    for position, parameter in enumerate(signature.parameters):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise RouteError(
                f"{str(parameter)!r} does not tell which values to pass; name the parameters "
                "(a decorator keeps them with functools.wraps)"
            )
        keyword_only = signature.by_keyword or parameter.kind is parameter.KEYWORD_ONLY
        is_request = request_first and position == 0 and _is_bare(parameter)
        field = None if is_request else _field(parameter, path_names)
        found.append(Parameter(parameter.name, field, keyword_only))
    return Dependant(tuple(found))


def _is_bare(parameter: inspect.Parameter) -> bool:
    return parameter.annotation is parameter.empty and parameter.default is parameter.empty


def _field(parameter: inspect.Parameter, path_names: set[str]) -> ModelField | None:
    """The declaration of a parameter; `None` for the request."""
    name = parameter.name
    annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
    if is_typealiastype(annotation):
        annotation = annotation.__value__
    in_path = name in path_names
    declared = _declared(parameter, annotation, in_path=in_path)
    if _is_injected(name, annotation):
        if declared is not None:
            raise RouteError(f"Cannot use `{type(declared).__name__}` for the request {name!r}")
        return None
    info = declared or _inferred(parameter, annotation, in_path=in_path)
    _name_aliases(info, name)
    _check_source(info, name, in_path=in_path)
    field = ModelField(name, info)
    _check_supported(field)
    return field


def _is_injected(name: str, annotation: Any) -> bool:
    bare = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    if is_subclass(bare, Response):
        raise RouteError(
            f"{name!r}: parameters of type {bare.__name__} are not provided; "
            "return the response instead"
        )
    return is_subclass(bare, HTTPConnection)


def _declared(parameter: inspect.Parameter, annotation: Any, *, in_path: bool) -> FieldInfo | None:
    """What `Query()` and the like say, in `Annotated` or as the default."""
    name, default = parameter.name, parameter.default
    in_annotated = [
        item
        for item in (get_args(annotation)[1:] if get_origin(annotation) is Annotated else ())
        if isinstance(item, params.Param | params.Body)
    ]
    if isinstance(default, FieldInfo):
        if in_annotated:
            raise RouteError(
                f"Cannot specify a parameter in `Annotated` and default value together for {name!r}"
            )
        return _declared_as_default(default, annotation)
    if not in_annotated:
        return None
    if in_path and default is not parameter.empty:
        raise RouteError(f"Path parameters cannot have default values: {name!r}")
    return _declared_in_annotated(in_annotated[-1], annotation, parameter)


def _declared_as_default(default: FieldInfo, annotation: Any) -> FieldInfo:
    info = copy(default)
    collected = FieldInfo.from_annotation(annotation)
    info.annotation = collected.annotation
    info.metadata = [*collected.metadata, *default.metadata]
    return info


def _declared_in_annotated(
    declared: FieldInfo, annotation: Any, parameter: inspect.Parameter
) -> FieldInfo:
    kind, name = type(declared).__name__, parameter.name
    if declared.default is not PydanticUndefined:
        raise RouteError(
            f"`{kind}` default value cannot be set in `Annotated` for {name!r}. "
            "Set the default value with `=` instead."
        )
    info = merge(declared, annotation)
    info.default = _default(parameter)
    return info


def _inferred(parameter: inspect.Parameter, annotation: Any, *, in_path: bool) -> FieldInfo:
    """What a parameter is when only its type and the path tell."""
    info: FieldInfo
    if in_path:
        info = params.Path()
    elif is_scalar(annotation):
        info = params.Query()
    else:
        info = params.Body()
    info = merge(info, annotation)
    if in_path:
        # The same function may serve a path without the parameter, where the default counts.
        info.default, info.default_factory = PydanticUndefined, None
    else:
        info.default = _default(parameter)
    return info


def _default(parameter: inspect.Parameter) -> Any:
    given = parameter.default
    return PydanticUndefined if given is parameter.empty or given is ... else given


def _name_aliases(info: FieldInfo, name: str) -> None:
    for alias in (info.validation_alias, info.alias):
        if isinstance(alias, AliasChoices | AliasPath):
            raise RouteError(f"{name!r}: {type(alias).__name__} is not supported for parameters")
    if info.alias:
        return
    converts = isinstance(info, params.Header) and info.convert_underscores
    info.alias = name.replace("_", "-") if converts else name


def _check_source(info: FieldInfo, name: str, *, in_path: bool) -> None:
    if in_path and not isinstance(info, params.Path):
        raise RouteError(f"Cannot use `{type(info).__name__}` for path param {name!r}")
    if not isinstance(info, params.Param | params.Body):
        raise RouteError(
            f"{name!r}: `{type(info).__name__}` does not tell where the value comes from; "
            "use Query(), Header(), Cookie() or Body()"
        )


def _check_supported(field: ModelField) -> None:
    info = field.field_info
    if isinstance(info, params.Body) or _is_json(field):
        return
    kind = type(info).__name__
    if isinstance(info, params.Path) and not is_scalar(info.annotation):
        raise RouteError(
            "Path params must be of one of the supported types: "
            f"{field.name!r} is {info.annotation!r}"
        )
    if model_of(info.annotation) is not None:
        raise RouteError(f"{kind} parameter {field.name!r}: parameter models are not supported")
    if isinstance(info, params.Query) and not _is_query_type(info.annotation):
        raise RouteError(
            f"{kind} parameter {field.name!r} must be one of the supported types, "
            f"not {info.annotation!r}"
        )


def _is_query_type(annotation: Any) -> bool:
    return is_scalar(annotation) or is_scalar_sequence(annotation)


def _is_json(field: ModelField) -> bool:
    metadata = field.field_info.metadata
    return any(item is _JSON or isinstance(item, _JSON) for item in metadata)


def _wants_embedding(field: ModelField) -> bool:
    return isinstance(field.field_info, params.Body) and bool(field.field_info.embed)


def _param_spec(parameter: Parameter, *, embed: bool) -> ParamSpec:
    field = parameter.field
    if field is None:
        return ParamSpec(
            name=parameter.name,
            source="request",
            alias=parameter.name,
            keyword_only=parameter.keyword_only,
        )
    source = _source(field)
    whole_body = source == "body" and not embed
    return ParamSpec(
        name=parameter.name,
        source=source,
        alias=field.alias.lower() if source == "header" else field.alias,
        scalar=_scalar(field),
        keyword_only=parameter.keyword_only,
        sequence=_collects(field, source),
        required=field.required,
        default=field.default,
        default_factory=field.default_factory,
        validate=field.validate,
        validate_default=bool(field.field_info.validate_default),
        loc=(source,) if whole_body else (source, field.alias),
    )


def _source(field: ModelField) -> Source:
    info = field.field_info
    if isinstance(info, params.Param):
        return info.in_.value
    return "body"


def _collects(field: ModelField, source: Source) -> bool:
    """Whether every value under that name is wanted; a cookie or path part has only one."""
    return (
        source in ("query", "header")
        and is_sequence(field.field_info.annotation)
        and not _is_json(field)
    )


def _scalar(field: ModelField) -> Scalar:
    """What the engine may coerce alone: a bare scalar or `None`, with nothing to check."""
    info = field.field_info
    if info.metadata or isinstance(info, params.Body):
        return "any"
    choices = get_args(info.annotation) if is_union(info.annotation) else (info.annotation,)
    scalars = [choice for choice in choices if choice is not type(None)]
    return _engine_scalar(scalars[0]) if len(scalars) == 1 else "any"


def _engine_scalar(annotation: Any) -> Scalar:
    return next((name for type_, name in _ENGINE_SCALARS if annotation is type_), "any")
