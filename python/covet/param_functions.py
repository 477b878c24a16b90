"""`Path`, `Query`, `Header`, `Cookie` and `Body` as handlers declare them.

They return `Any`, so that `q: str = Query("all")` type-checks; what they build is in
`covet.params`. In `Annotated` the default goes after the `=` of the parameter instead.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticUndefined
from typing_extensions import Unpack

from covet import params
from covet.params import ParamOptions

__all__ = ["Body", "Cookie", "Header", "Path", "Query"]


def Path(default: Any = ..., **options: Unpack[ParamOptions]) -> Any:
    """Declare that a parameter is a part of the path.

    `item_id: Annotated[int, Path(ge=1)]` takes the place `{item_id}` of the route.

    Args:
        default: Always `...`; a part of the path has no default.
        options: Aliases, constraints and descriptions; see `ParamOptions`.
    """
    return params.Path(default, **options)


def Query(default: Any = PydanticUndefined, **options: Unpack[ParamOptions]) -> Any:
    """Declare that a parameter is in the query string.

    `q: Annotated[str, Query(max_length=50)] = ""` takes `?q=...`; a list takes every `q`.

    Args:
        default: The value when the client sends none.
        options: Aliases, constraints and descriptions; see `ParamOptions`.
    """
    return params.Query(default, **options)


def Header(
    default: Any = PydanticUndefined,
    *,
    convert_underscores: bool = True,
    **options: Unpack[ParamOptions],
) -> Any:
    """Declare that a parameter is a header.

    `user_agent: Annotated[str | None, Header()] = None` takes the header `user-agent`.

    Args:
        default: The value when the client sends no such header.
        convert_underscores: Whether `user_agent` stands for the header `user-agent`.
        options: Aliases, constraints and descriptions; see `ParamOptions`.
    """
    return params.Header(default, convert_underscores=convert_underscores, **options)


def Cookie(default: Any = PydanticUndefined, **options: Unpack[ParamOptions]) -> Any:
    """Declare that a parameter is a cookie.

    `session: Annotated[str | None, Cookie()] = None` takes the cookie `session`.

    Args:
        default: The value when the client sends no such cookie.
        options: Aliases, constraints and descriptions; see `ParamOptions`.
    """
    return params.Cookie(default, **options)


def Body(
    default: Any = PydanticUndefined,
    *,
    embed: bool | None = None,
    media_type: str = "application/json",
    **options: Unpack[ParamOptions],
) -> Any:
    """Declare that a parameter is the body, or a key of it.

    `note: Annotated[str, Body(embed=True)]` takes `{"note": "..."}`.

    Args:
        default: The value when the client sends no such body or key.
        embed: Whether the body is an object that holds the parameter under its name. That is
            always so when a handler has several body parameters.
        media_type: The content type that the OpenAPI document states.
        options: Aliases, constraints and descriptions; see `ParamOptions`.
    """
    return params.Body(default, embed=embed, media_type=media_type, **options)
