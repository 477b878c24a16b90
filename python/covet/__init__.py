"""Covet: a Python web framework whose whole engine is Rust."""

try:
    from covet import _covet
except ImportError as error:
    raise ImportError(
        "covet cannot start: its engine, the extension module covet._covet, is missing or was "
        f"built for another Python ({error}); install a wheel of covet or run `maturin develop`"
    ) from None

from covet import status
from covet._covet import Settings
from covet.applications import Covet
from covet.exceptions import HTTPException
from covet.param_functions import Body, Cookie, Header, Path, Query
from covet.requests import Request
from covet.responses import Response
from covet.routing import APIRouter

__version__ = _covet.__version__

__all__ = [
    "APIRouter",
    "Body",
    "Cookie",
    "Covet",
    "HTTPException",
    "Header",
    "Path",
    "Query",
    "Request",
    "Response",
    "Settings",
    "__version__",
    "status",
]
