"""How a route's return value becomes a response: by the engine, by pydantic, or by a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from covet._errors import allows_body, located
from covet._fields import ModelField
from covet._plan import ResponseSpec
from covet.encoders import jsonable_encoder
from covet.exceptions import ResponseValidationError, RouteError
from covet.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from covet.types import IncEx

__all__ = ["ResponseModel", "build"]


@dataclass(frozen=True, slots=True)
class ResponseModel:
    """The type a return value is validated and serialised through, and which fields are shown."""

    type_: Any
    include: IncEx | None = None
    exclude: IncEx | None = None
    by_alias: bool = True
    exclude_unset: bool = False
    exclude_defaults: bool = False
    exclude_none: bool = False

    def options(self) -> dict[str, Any]:
        """The keyword arguments of pydantic's serialisers."""
        return {
            "include": self.include,
            "exclude": self.exclude,
            "by_alias": self.by_alias,
            "exclude_unset": self.exclude_unset,
            "exclude_defaults": self.exclude_defaults,
            "exclude_none": self.exclude_none,
        }

    def field(self) -> ModelField:
        """The compiled type.

        Raises:
            RouteError: pydantic does not know the type.
        """
        try:
            return ModelField("response", FieldInfo.from_annotation(self.type_))
        except RouteError as error:
            raise RouteError(
                f"Invalid args for response field! {error}. If the return annotation is not "
                "meant as the response model, set response_model=None"
            ) from None


def build(
    response_class: type[Response], model: ResponseModel | None, status_code: int | None
) -> ResponseSpec:
    """The engine's view of a response.

    Args:
        response_class: What to make of the return value.
        model: What the return value must fit.
        status_code: The status, if the route names one.

    Raises:
        RouteError: The status allows no body, but there is a model.
    """
    status = 200 if status_code is None else status_code
    if model is not None and not allows_body(status):
        raise RouteError(f"Status code {status} must not have a response body")
    explicit = status_code is not None
    if response_class is JSONResponse:
        return ResponseSpec(
            kind="json",
            status_code=status,
            explicit_status=explicit,
            serialize=None if model is None else _json_serializer(model),
        )
    factory = _factory(response_class, model)
    if response_class in (PlainTextResponse, HTMLResponse) and _is_text(model):
        return ResponseSpec(
            kind="text",
            status_code=status,
            explicit_status=explicit,
            media_type=f"{response_class.media_type}; charset=utf-8",
            factory=factory,
        )
    return ResponseSpec(kind="class", status_code=status, explicit_status=explicit, factory=factory)


def _is_text(model: ResponseModel | None) -> bool:
    return model is None or model.type_ is str


def _json_serializer(model: ResponseModel) -> Callable[[Any], bytes]:
    field, options = model.field(), model.options()
    dump = field.adapter.dump_json

    def serialize(value: Any) -> bytes:
        return dump(_validated(field, value), **options)

    return serialize


def _validated(field: ModelField, value: Any) -> Any:
    try:
        return field.validate(value)
    except ValidationError as error:
        raise ResponseValidationError(located(error, ("response",)), body=value) from None


def _factory(
    response_class: type[Response], model: ResponseModel | None
) -> Callable[..., Response]:
    encode = jsonable_encoder if model is None else _encoder(model)

    def factory(content: Any, **options: Any) -> Response:
        response = response_class(encode(content), **options)
        if not allows_body(response.status_code):
            response.body = b""
        return response

    return factory


def _encoder(model: ResponseModel) -> Callable[[Any], Any]:
    field, options = model.field(), model.options()

    def encode(value: Any) -> Any:
        return field.adapter.dump_python(_validated(field, value), mode="json", **options)

    return encode
