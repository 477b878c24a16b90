"""Exceptions, and the response that answers each: compared with FastAPI's where it has one."""

from __future__ import annotations

import json
import logging
from typing import Any

import fastapi.exceptions as theirs
import pytest
from fastapi._compat import get_missing_field_error
from pydantic import BaseModel, TypeAdapter, ValidationError

from covet import _errors
from covet.exceptions import (
    CovetError,
    HTTPException,
    RequestValidationError,
    RouteError,
)


@pytest.mark.parametrize("status", [400, 404, 418, 422, 599])
@pytest.mark.parametrize("detail", [None, "gone", {"why": [1]}, ""])
def test_http_exception_is_described_alike(status: int, detail: Any) -> None:
    mine, other = HTTPException(status, detail), theirs.HTTPException(status, detail)
    assert (str(mine), repr(mine)) == (str(other), repr(other))


def test_validation_error_is_described_alike() -> None:
    errors = [{"type": "missing", "loc": ("query", "q")}]
    assert str(RequestValidationError(errors)) == str(theirs.RequestValidationError(errors))
    assert str(RequestValidationError(errors * 2)).startswith("2 validation errors:")


def test_route_error_is_what_fastapi_raises() -> None:
    assert issubclass(RouteError, AssertionError)
    assert issubclass(RouteError, CovetError)


def test_http_exception_becomes_json() -> None:
    response = _errors.respond(HTTPException(403, {"why": "closed"}, {"X-A": "1"}))
    assert response.status_code == 403
    assert response.body == b'{"detail":{"why":"closed"}}'
    assert response.headers["x-a"] == "1"


@pytest.mark.parametrize("status", [204, 205, 304])
def test_http_exception_without_body(status: int) -> None:
    response = _errors.respond(HTTPException(status, headers={"X-A": "1"}))
    assert (response.body, response.headers["x-a"]) == (b"", "1")
    assert "content-type" not in response.headers


def test_validation_error_becomes_422() -> None:
    response = _errors.respond_invalid(_errors.missing(("query", "q")), None)
    assert response.status_code == 422
    assert json.loads(bytes(response.body)) == {
        "detail": [
            {"type": "missing", "loc": ["query", "q"], "msg": "Field required", "input": None}
        ]
    }


def test_validation_error_with_what_json_does_not_know() -> None:
    errors = [{"loc": ("body",), "input": b"raw", "ctx": {"error": {1}}}]
    detail = json.loads(bytes(_errors.respond_invalid(errors, None).body))["detail"]
    assert detail == [{"loc": ["body"], "input": "raw", "ctx": {"error": [1]}}]


def test_unexpected_exception_is_logged_and_hidden(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "covet.error"):
        response = _errors.respond(KeyError("secret"))
    assert (response.status_code, response.body) == (500, b"Internal Server Error")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    [record] = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], KeyError)


def test_a_detail_that_json_cannot_hold_is_an_unexpected_exception(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = _errors.respond(HTTPException(400, object()))
    assert (response.status_code, response.body) == (500, b"Internal Server Error")
    assert len(caplog.records) == 1


def test_unexpected_exception_is_shown_in_debug() -> None:
    try:
        raise KeyError("secret")
    except KeyError as error:
        response = _errors.responder(debug=True)(error)
    assert response.status_code == 500
    assert b"test_exceptions.py" in bytes(response.body)
    assert b"KeyError: 'secret'" in bytes(response.body)


def test_missing_is_fastapis() -> None:
    assert _errors.missing(("body", "a")) == [get_missing_field_error(("body", "a"))]


def test_located() -> None:
    class Item(BaseModel):
        sizes: list[int]

    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Item).validate_python({"sizes": [1, "x"]})
    [error] = _errors.located(caught.value, ("body", "item"))
    assert error == {
        "type": "int_parsing",
        "loc": ("body", "item", "sizes", 1),
        "msg": "Input should be a valid integer, unable to parse string as an integer",
        "input": "x",
    }


@pytest.mark.parametrize(
    ("body", "position", "reason"),
    [
        (b"{", 1, "Expecting property name enclosed in double quotes"),
        (b"nope", 0, "Expecting value"),
        (b"1 2", 2, "Extra data"),
    ],
)
def test_invalid_json(body: bytes, position: int, reason: str) -> None:
    with pytest.raises(RequestValidationError) as caught:
        _errors.parse_json(body)
    [error] = caught.value.errors()
    assert (error["type"], error["loc"], error["input"]) == ("json_invalid", ("body", position), {})
    assert error["msg"] == "JSON decode error"
    assert error["ctx"] == {"error": reason}
    assert caught.value.body == body.decode()


@pytest.mark.parametrize("body", [b"\xff\xff", b"[" * 200_000, b"9" * 5000])
def test_json_that_cannot_be_read_at_all(body: bytes) -> None:
    with pytest.raises(HTTPException) as caught:
        _errors.parse_json(body)
    assert str(caught.value) == "400: There was an error parsing the body"


def test_json_that_only_the_standard_library_takes() -> None:
    assert _errors.parse_json(b"[Infinity]") == [float("inf")]
    assert _errors.parse_json('{"a": 1}'.encode("utf-16")) == {"a": 1}
