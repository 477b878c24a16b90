"""Signatures: annotations as strings, wrappers, callables of every kind."""

from __future__ import annotations

import enum
import functools
import inspect
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from covet import APIRouter, _signature
from covet._signature import Unresolved
from covet.exceptions import RouteError

if TYPE_CHECKING:
    from decimal import Decimal


class Item:
    pass


def annotations(endpoint: Any, locals_: dict[str, Any] | None = None) -> dict[str, Any]:
    signature = _signature.read(endpoint, locals_ or {})
    return {parameter.name: parameter.annotation for parameter in signature.parameters}


async def handler(item: Item, many: list[Item], note: Annotated[Item | None, "x"] = None) -> int:
    return 1


def test_strings_are_evaluated_in_the_module() -> None:
    assert annotations(handler) == {
        "item": Item,
        "many": list[Item],
        "note": Annotated[Item | None, "x"],
    }
    assert _signature.read(handler, {}).returns is int


def test_nested_strings_are_evaluated() -> None:
    def endpoint(items: list[Item], other: Annotated[Item, 1]) -> None: ...

    endpoint.__annotations__ = {"items": list["Item"], "other": Annotated["Item", 1]}
    assert annotations(endpoint) == {"items": list[Item], "other": Annotated[Item, 1]}


def test_local_names_are_seen_from_the_decorator() -> None:
    class Local(enum.Enum):
        A = "a"

    router = APIRouter()

    @router.get("/")
    def endpoint(item: Local | None = None) -> None: ...

    [(route, _)] = router.flatten()
    assert route.signature.parameters[0].annotation == Local | None


def test_local_names_are_not_seen_by_functions_of_the_module() -> None:
    class Item:  # not the one that `handler` names
        pass

    assert annotations(handler, {"Item": Item})["item"] is not Item


def test_a_name_that_is_defined_later() -> None:
    """Such a route is added; its fault, if it stays one, is told at start-up with the name."""
    namespace: dict[str, Any] = {"__name__": "somewhere"}
    exec("def endpoint(item: 'Later'): ...", namespace)
    router = APIRouter()
    router.add_api_route("/x", namespace["endpoint"])
    with pytest.raises(RouteError, match=r"GET /x \(endpoint\): .*'item' names 'Later'"):
        router.specs()
    namespace["Later"] = int
    assert router.specs()[0].params[0].scalar == "int"


def test_a_return_annotation_only_type_checkers_know() -> None:
    def endpoint(q: int) -> Decimal:
        raise NotImplementedError

    assert _signature.read(endpoint, {}).returns is None


def test_unresolved_names_the_parameter() -> None:
    def endpoint(q: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(Unresolved) as caught:
        _signature.read(endpoint, {})
    assert (caught.value.name, caught.value.parameter) == ("Missing", "q")


class Callable_:
    async def __call__(self, item: Item) -> None: ...

    def method(self, item: Item) -> None: ...

    @staticmethod
    async def static(item: Item) -> None: ...


class Made:
    def __init__(self, item: Item) -> None: ...


def wrapping(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


async def generating() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("endpoint", "is_async", "by_keyword"),
    [
        (handler, True, False),
        (Callable_(), True, False),
        (Callable_().method, False, False),
        (Callable_.static, True, False),
        (Made, False, False),
        (functools.partial(handler), True, False),
        (functools.partial(Callable_()), True, False),
        (wrapping(handler), True, True),
        (wrapping(wrapping(Callable_().method)), False, True),
    ],
)
def test_callables(endpoint: Any, is_async: bool, by_keyword: bool) -> None:
    signature = _signature.read(endpoint, {})
    assert signature.parameters[0].annotation is Item
    assert signature.by_keyword is by_keyword
    assert _signature.is_async(endpoint) is is_async
    assert not _signature.is_generator(endpoint)


def test_generators() -> None:
    assert _signature.is_generator(generating)
    assert _signature.is_generator(functools.partial(generating))
    assert not inspect.iscoroutinefunction(generating)
