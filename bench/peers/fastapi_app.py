"""The benchmark's handlers in FastAPI, each in the quickest form its documentation offers.

Of the forms tried (a return annotation, none, `response_class`, a `Response` returned directly),
returning a `Response` directly takes the least time for every one of them with this release.
"""

# ruff: noqa: D103  (bench/README.md says what each handler does)

from __future__ import annotations

import asyncio

from data import USERS, build_users
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel
from pydantic_core import to_json

app = FastAPI(openapi_url=None)


class Item(BaseModel):
    """The body of `create`."""

    name: str
    price: float
    tags: list[str] = []
    in_stock: bool = True


@app.get("/plaintext")
async def plaintext() -> Response:
    return PlainTextResponse("Hello, World!")


@app.get("/json")
async def json() -> Response:
    return JSONResponse({"message": "Hello, World!"})


@app.get("/items/{item_id}")
async def item(item_id: int, q: str | None = None) -> Response:
    return JSONResponse({"item_id": item_id, "q": q})


@app.get("/users")
async def users() -> Response:
    return Response(to_json(USERS), media_type="application/json")


@app.get("/users/built")
async def users_built() -> Response:
    return Response(to_json(build_users()), media_type="application/json")


@app.post("/items")
async def create(item: Item) -> Response:
    return Response(item.model_dump_json(), media_type="application/json")


@app.get("/sleep")
async def sleep() -> Response:
    await asyncio.sleep(0)
    return JSONResponse({"ok": True})
