"""Exceptions a handler may raise, and those the framework raises at start-up."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = [
    "CovetDeprecationWarning",
    "CovetError",
    "HTTPException",
    "RequestValidationError",
    "ResponseValidationError",
    "RouteError",
    "ValidationException",
]


class HTTPException(Exception):
    """Ends a request with an HTTP error: `raise HTTPException(404, "No such item")`.

    Args:
        status_code: The status of the response.
        detail: What the JSON body shows under `detail`; the status' own phrase by default.
        headers: Headers to send with it.
    """

    def __init__(
        self,
        status_code: int,
        detail: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status_code = status_code
        self.detail = _phrase(status_code) if detail is None else detail
        self.headers = headers

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}(status_code={self.status_code!r}, detail={self.detail!r})"


def _phrase(status_code: int) -> str:
    try:
        return http.HTTPStatus(status_code).phrase
    except ValueError:
        return ""


class CovetError(RuntimeError):
    """A fault in how the framework is used; not the client's."""


class RouteError(CovetError, AssertionError):
    """A route that cannot be served as it is declared; raised at start-up, names the route.

    An `AssertionError` too, because that is what FastAPI raises for the same faults.
    """


class ValidationException(Exception):
    """Data that did not fit its declared type."""

    def __init__(self, errors: Sequence[Any]) -> None:
        self._errors = errors

    def errors(self) -> Sequence[Any]:
        """What was wrong: one dict with `type`, `loc`, `msg` and `input` per error."""
        return self._errors

    def __str__(self) -> str:
        count = len(self._errors)
        lines = [f"{count} validation error{'' if count == 1 else 's'}:"]
        lines.extend(f"  {error}" for error in self._errors)
        return "\n".join(lines)


class RequestValidationError(ValidationException):
    """A request that does not fit the handler's parameters; answered with 422."""

    def __init__(self, errors: Sequence[Any], *, body: Any = None) -> None:
        super().__init__(errors)
        self.body = body


class ResponseValidationError(ValidationException):
    """A return value that does not fit the route's response model; answered with 500."""

    def __init__(self, errors: Sequence[Any], *, body: Any = None) -> None:
        super().__init__(errors)
        self.body = body


class CovetDeprecationWarning(UserWarning):
    """A use that a later version will refuse; a `UserWarning`, so that it is shown."""
