"""The application: what it tells the engine, its lifespan, its surface."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import covet
from covet import APIRouter, Covet, Request

PACKAGE = Path(covet.__file__).parent


def test_compile() -> None:
    app = Covet(debug=True, redirect_slashes=False)
    spec = app.compile({"db": 1})
    assert (spec.app, spec.debug, spec.redirect_slashes) == (app, True, False)
    assert (spec.routes, spec.request_class, spec.state) == ((), Request, {"db": 1})
    assert app.compile().state is None


def test_state_belongs_to_one_application() -> None:
    one, two = Covet(), Covet()
    one.state.x = 1
    assert not hasattr(two.state, "x")


async def lived(app: Covet) -> Any:
    async with app.router.lifespan_context(app) as state:
        return state


async def test_no_lifespan() -> None:
    assert await lived(Covet()) is None


async def test_lifespans_nest() -> None:
    seen: list[str] = []

    def lifespan(name: str, **state: Any) -> Any:
        @asynccontextmanager
        async def context(app: Covet) -> AsyncIterator[dict[str, Any]]:
            seen.append(f"{name} up")
            yield {"who": name, **state}
            seen.append(f"{name} down")

        return context

    app, router = Covet(lifespan=lifespan("app", a=1)), APIRouter(lifespan=lifespan("router", r=2))
    app.include_router(router)
    assert await lived(app) == {"who": "app", "a": 1, "r": 2}
    assert seen == ["app up", "router up", "router down", "app down"]


async def asynchronous(app: Covet) -> AsyncIterator[dict[str, Any]]:
    yield {"is": "async"}


def synchronous(app: Covet) -> Iterator[dict[str, Any]]:
    yield {"is": "sync"}


@pytest.mark.parametrize(("lifespan", "kind"), [(asynchronous, "async"), (synchronous, "sync")])
async def test_generator_functions_are_lifespans(lifespan: Any, kind: str) -> None:
    assert await lived(Covet(lifespan=lifespan)) == {"is": kind}


MODULES = sorted(path.stem for path in PACKAGE.glob("[a-z]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_exports_exists(name: str) -> None:
    module = importlib.import_module(f"covet.{name}")
    for exported in getattr(module, "__all__", ()):
        assert hasattr(module, exported)


def test_status() -> None:
    assert (covet.status.HTTP_201_CREATED, covet.status.WS_1008_POLICY_VIOLATION) == (201, 1008)
    with pytest.warns(covet.exceptions.CovetDeprecationWarning, match="UNPROCESSABLE_CONTENT"):
        assert covet.status.HTTP_422_UNPROCESSABLE_ENTITY == 422
    with pytest.raises(AttributeError):
        _ = covet.status.HTTP_999_NEVER


@pytest.mark.parametrize("declare", [covet.Query, covet.Path, covet.Header, covet.Body])
@pytest.mark.parametrize(("old", "new"), [("regex", "pattern"), ("example", "examples")])
def test_old_names_of_options_warn(declare: Any, old: str, new: str) -> None:
    with pytest.warns(covet.exceptions.CovetDeprecationWarning, match=f"`{old}`.*`{new}`") as seen:
        declare(**{old: "a"})
    assert seen[0].filename == __file__


def test_import_without_the_engine(tmp_path: Path) -> None:
    """One line says what is wrong."""
    copy = tmp_path / "covet"
    copy.mkdir()
    (copy / "__init__.py").write_text((PACKAGE / "__init__.py").read_text())
    program = f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; import covet"
    run = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    last = run.stderr.rstrip().splitlines()[-1]
    assert last.startswith("ImportError: covet cannot start: its engine")
    assert "During handling" not in run.stderr
