"""The signature of a handler, with its annotations as objects, and how the handler is called."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any, get_type_hints

__all__ = ["Signature", "Unresolved", "caller_locals", "is_async", "is_generator", "read"]


@dataclass(frozen=True, slots=True)
class Signature:
    """A handler's parameters and return annotation."""

    parameters: tuple[inspect.Parameter, ...]
    returns: Any
    """The return annotation; `None` if there is none."""
    by_keyword: bool
    """Whether every argument must be passed by name: the callable that is called is a wrapper
    whose own parameters are not the ones shown here."""


class Unresolved(Exception):
    """An annotation names something that does not exist (yet)."""

    def __init__(self, name: str, parameter: str) -> None:
        super().__init__(name, parameter)
        self.name = name
        self.parameter = parameter


def read(endpoint: Callable[..., Any], locals_: Mapping[str, Any]) -> Signature:
    """Read the signature of `endpoint`.

    Annotations that are strings mean what they mean where the function was defined: in its
    module and, if it was defined within another function, among `locals_`.

    Raises:
        Unresolved: A parameter's annotation names something that cannot be found.
    """
    shown = inspect.signature(endpoint)
    own = inspect.signature(endpoint, follow_wrapped=False)
    scope = _scope(endpoint, locals_)
    parameters = tuple(
        parameter.replace(annotation=_evaluate(parameter.annotation, scope, parameter.name))
        for parameter in shown.parameters.values()
    )
    returns = _returns(shown.return_annotation, scope)
    return Signature(parameters, returns, by_keyword=list(own.parameters) != list(shown.parameters))


def _returns(annotation: Any, scope: dict[str, Any]) -> Any:
    if annotation is inspect.Signature.empty:
        return None
    try:
        return _evaluate(annotation, scope, "return")
    except Unresolved:
        # Nothing depends on it, and a name imported for type checkers only is common here.
        return None


def _scope(endpoint: Callable[..., Any], locals_: Mapping[str, Any]) -> dict[str, Any]:
    """The names an annotation of `endpoint` may use."""
    function = inspect.unwrap(_undecorated(endpoint))
    if not inspect.isclass(function) and not hasattr(function, "__globals__"):
        function = inspect.unwrap(type(function).__call__)
    scope = dict(getattr(function, "__globals__", None) or vars(sys.modules[function.__module__]))
    if "<locals>" in getattr(function, "__qualname__", ""):
        scope.update(locals_)
    return scope


class _Annotated:
    """Something with one annotation, for `typing.get_type_hints` to evaluate."""

    def __init__(self, annotation: Any) -> None:
        self.__annotations__ = {"it": annotation}


def _evaluate(annotation: Any, scope: dict[str, Any], parameter: str) -> Any:
    try:
        return get_type_hints(_Annotated(annotation), scope, include_extras=True)["it"]
    except NameError as error:
        raise Unresolved(error.name or str(annotation), parameter) from None


def caller_locals() -> dict[str, Any]:
    """The local names around the first caller outside this package: where a decorator stands."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "covet":
        frame = frame.f_back
    if frame is None or frame.f_locals is frame.f_globals:
        return {}
    return dict(frame.f_locals)


def is_async(endpoint: Callable[..., Any]) -> bool:
    """Whether calling the endpoint gives something to await."""
    return any(inspect.iscoroutinefunction(called) for called in _called(endpoint))


def is_generator(endpoint: Callable[..., Any]) -> bool:
    """Whether the endpoint contains `yield`."""
    return any(
        inspect.isgeneratorfunction(called) or inspect.isasyncgenfunction(called)
        for called in _called(endpoint)
    )


def _called(endpoint: Callable[..., Any]) -> list[Any]:
    """The functions that may tell what a call does: the outermost, and what it wraps."""
    outer = _undecorated(endpoint)
    if inspect.isclass(outer):
        return []
    if not inspect.isroutine(outer):
        outer = _undecorated(type(outer).__call__)
    return [outer, _undecorated(inspect.unwrap(outer))]


def _undecorated(endpoint: Any) -> Any:
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    return endpoint
