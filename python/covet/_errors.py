"""Faults of a request: their error dicts, and the response that answers each exception."""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from covet.encoders import jsonable_encoder
from covet.exceptions import HTTPException, RequestValidationError
from covet.logger import error_logger
from covet.responses import JSONResponse, PlainTextResponse, Response

Errors = list[dict[str, Any]]
Location = tuple[str | int, ...]

BODILESS = frozenset({204, 205, 304})
"""Final statuses whose response has no body (RFC 9110, sections 15.3.5, 15.3.6, 15.4.5)."""


def allows_body(status_code: int) -> bool:
    """Whether a response of that status may carry a body."""
    return status_code >= 200 and status_code not in BODILESS


def located(error: ValidationError, loc: Location) -> Errors:
    """The errors of one parameter, each under `loc`."""
    return [{**found, "loc": loc + found["loc"]} for found in error.errors(include_url=False)]


def missing(loc: Location) -> Errors:
    """The error of a required value that was not sent."""
    return [{"type": "missing", "loc": loc, "msg": "Field required", "input": None}]


def parse_json(body: bytes) -> Any:
    """Parse a JSON body as the standard library does, which takes more than the engine's parser.

    Raises:
        RequestValidationError: The body is not JSON.
        HTTPException: The body is not even text, or is nested too deeply.
    """
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        raise RequestValidationError([_invalid_json(error)], body=error.doc) from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "There was an error parsing the body") from error


def _invalid_json(error: json.JSONDecodeError) -> dict[str, Any]:
    return {
        "type": "json_invalid",
        "loc": ("body", error.pos),
        "msg": "JSON decode error",
        "input": {},
        "ctx": {"error": error.msg},
    }


def respond_invalid(errors: Errors, body: Any) -> Response:
    """The response to a request whose parameters are wrong."""
    return respond(RequestValidationError(errors, body=body))


def respond(error: BaseException, *, debug: bool = False) -> Response:
    """The response to an exception that left a handler.

    What is the server's fault is logged, and shows its traceback to the client only in `debug`.
    """
    try:
        expected = _expected(error)
    except Exception as unwritable:
        # Such as a detail that JSON cannot hold.
        return _respond_unexpected(unwritable, debug=debug)
    return expected or _respond_unexpected(error, debug=debug)


def _expected(error: BaseException) -> Response | None:
    if isinstance(error, HTTPException):
        return _respond_http(error)
    if isinstance(error, RequestValidationError):
        return _respond_unprocessable(error)
    return None


def _respond_unprocessable(error: RequestValidationError) -> Response:
    """Shows the client what it sent, even where that is not text."""
    encoders: dict[Any, Callable[[Any], Any]] = {
        bytes: lambda sent: sent.decode("utf-8", "replace"),
        float: lambda sent: sent if math.isfinite(sent) else repr(sent),
    }
    content = {"detail": jsonable_encoder(error.errors(), custom_encoder=encoders)}
    try:
        return JSONResponse(content, status_code=422)
    except UnicodeEncodeError:
        # Half of a surrogate pair, which UTF-8 cannot hold, came as an escape and goes as one.
        return Response(json.dumps(content), 422, media_type="application/json")


def _respond_unexpected(error: BaseException, *, debug: bool) -> Response:
    error_logger.error("Exception in a request", exc_info=error)
    text = "".join(traceback.format_exception(error)) if debug else "Internal Server Error"
    return PlainTextResponse(text, status_code=500)


def _respond_http(error: HTTPException) -> Response:
    if not allows_body(error.status_code):
        return Response(status_code=error.status_code, headers=error.headers)
    return JSONResponse(
        {"detail": error.detail}, status_code=error.status_code, headers=error.headers
    )


def responder(*, debug: bool) -> Callable[[BaseException], Response]:
    """`respond` with `debug` decided once."""

    def on_error(error: BaseException) -> Response:
        return respond(error, debug=debug)

    return on_error
