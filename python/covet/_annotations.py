"""Questions about annotations that decide where a parameter comes from."""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from typing_inspection.typing_objects import is_typealiastype

_SEQUENCES = (Sequence, list, tuple, set, frozenset, deque)
_TEXT = (str, bytes)


def is_subclass(annotation: Any, of: type | tuple[type, ...]) -> bool:
    """Like `issubclass`, but false for what is not a class, such as `list[int]`."""
    if not isinstance(annotation, type) or isinstance(annotation, types.GenericAlias):
        return False
    try:
        return issubclass(annotation, of)
    except TypeError:
        return False


def plain(annotation: Any) -> Any:
    """The annotation without the names and the metadata around it."""
    while True:
        if is_typealiastype(annotation):
            annotation = annotation.__value__
        elif get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        else:
            return annotation


def is_union(annotation: Any) -> bool:
    """Whether the annotation is `X | Y` in either spelling."""
    return get_origin(annotation) in (Union, types.UnionType)


def members(annotation: Any) -> Iterator[Any]:
    """The alternatives of a union, `None` left out; the annotation itself otherwise."""
    annotation = plain(annotation)
    if not is_union(annotation):
        yield annotation
        return
    for member in get_args(annotation):
        if member is not type(None):
            yield from members(member)


def is_sequence(annotation: Any) -> bool:
    """Whether values of that type, or of one alternative of it, are collections of items."""
    return any(_is_sequence_class(member) for member in members(annotation))


def _is_sequence_class(annotation: Any) -> bool:
    concrete = get_origin(annotation) or annotation
    return is_subclass(concrete, _SEQUENCES) and not is_subclass(concrete, _TEXT)


def is_scalar(annotation: Any) -> bool:
    """Whether one string can stand for a value of that type."""
    return not any(_is_complex(member) for member in members(annotation))


def _is_complex(annotation: Any) -> bool:
    origin = get_origin(annotation)
    concrete = origin or annotation
    return (
        is_subclass(concrete, (BaseModel, Mapping))
        or _is_sequence_class(annotation)
        or is_dataclass(concrete)
        or hasattr(origin, "__get_pydantic_core_schema__")
    )


def is_scalar_sequence(annotation: Any) -> bool:
    """Whether the type is a collection of scalars, or a scalar or such a collection."""
    alternatives = list(members(annotation))
    collections = [member for member in alternatives if _is_sequence_class(member)]
    scalars = [member for member in alternatives if member not in collections]
    return (
        bool(collections)
        and all(is_scalar(member) for member in scalars)
        and all(is_scalar(item) for member in collections for item in get_args(member))
    )


def model_of(annotation: Any) -> type[BaseModel] | None:
    """The pydantic model an annotation names, alone or as `Model | None`."""
    alternatives = list(members(annotation))
    if len(alternatives) == 1 and is_subclass(alternatives[0], BaseModel):
        found: type[BaseModel] = alternatives[0]
        return found
    return None
