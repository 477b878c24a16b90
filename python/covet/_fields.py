"""A declared value: its pydantic field info and the validator compiled from it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy, deepcopy
from functools import partial
from typing import Annotated, Any, TypeVar

from pydantic import PydanticUserError, TypeAdapter
from pydantic.errors import PydanticSchemaGenerationError, PydanticUndefinedAnnotation
from pydantic.fields import FieldInfo

from covet.exceptions import RouteError

__all__ = ["ModelField", "merge"]

Info = TypeVar("Info", bound=FieldInfo)


def merge(info: Info, annotation: Any) -> Info:
    """A copy of `info` with all the metadata of the `Annotated` it stands in.

    `Annotated[int, Gt(1), Query(lt=9)]` is a `Query` with both constraints.
    """
    collected = FieldInfo.from_annotation(annotation)
    merged = copy(info)
    for name, value in collected.asdict()["attributes"].items():
        setattr(merged, name, value)
    merged.metadata = collected.metadata
    merged.annotation = collected.annotation
    merged._attributes_set = dict(collected._attributes_set)
    return merged


class ModelField:
    """A named value of a declared type.

    Args:
        name: The name in Python.
        info: The declaration: type, constraints, default, alias.
    """

    def __init__(self, name: str, info: FieldInfo) -> None:
        self.name = name
        self.field_info = info
        self.adapter = _adapter(name, info)

    @property
    def alias(self) -> str:
        """The name on the wire."""
        alias = self.field_info.validation_alias or self.field_info.alias
        return alias if isinstance(alias, str) else self.name

    @property
    def validate(self) -> Callable[[Any], Any]:
        """Returns the validated value or raises `pydantic.ValidationError`."""
        return partial(self.adapter.validator.validate_python, from_attributes=True)

    @property
    def validate_json(self) -> Callable[[bytes], Any]:
        """The same from JSON bytes."""
        validate: Callable[[bytes], Any] = self.adapter.validator.validate_json
        return validate

    @property
    def required(self) -> bool:
        """Whether there is neither a default nor a default factory."""
        return self.field_info.is_required()

    @property
    def default(self) -> Any:
        """The default when one object can serve every request, else `None`."""
        default = self.field_info.default
        return default if not self.required and deepcopy(default) is default else None

    @property
    def default_factory(self) -> Callable[[], Any] | None:
        """Makes the default anew for each request, when it is mutable or made by a factory."""
        if self.required:
            return None
        if self.field_info.default_factory is not None:
            return partial(self.field_info.get_default, call_default_factory=True)
        default = self.field_info.default
        return None if deepcopy(default) is default else partial(deepcopy, default)


def _adapter(name: str, info: FieldInfo) -> TypeAdapter[Any]:
    metadata = list(info.metadata)
    if info.discriminator is not None:
        metadata.append(FieldInfo(discriminator=info.discriminator))
    # An annotation in FieldInfo has lost its own `Annotated`; its metadata was collected instead.
    annotated: Any = Annotated[(info.annotation, *metadata)] if metadata else info.annotation
    try:
        return TypeAdapter(annotated)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError) as error:
        reason = str(error).splitlines()[0]
        raise RouteError(
            f"{name!r}: check that {info.annotation!r} is a valid type for pydantic ({reason})"
        ) from None
