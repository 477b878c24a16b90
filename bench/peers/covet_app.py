"""The benchmark's handlers in Covet, written as its documentation teaches."""

# ruff: noqa: D103  (bench/README.md says what each handler does)

from __future__ import annotations

import asyncio
from typing import Any

from data import USERS, build_users
from pydantic import BaseModel

from covet import Covet
from covet.responses import PlainTextResponse

app = Covet()


class Item(BaseModel):
    """The body of `create`."""

    name: str
    price: float
    tags: list[str] = []
    in_stock: bool = True


@app.get("/plaintext", response_class=PlainTextResponse)
async def plaintext() -> str:
    return "Hello, World!"


@app.get("/json")
async def json() -> dict[str, str]:
    return {"message": "Hello, World!"}


@app.get("/items/{item_id}")
async def item(item_id: int, q: str | None = None) -> dict[str, Any]:
    return {"item_id": item_id, "q": q}


@app.get("/users")
async def users() -> list[dict[str, Any]]:
    return USERS


@app.get("/users/built")
async def users_built() -> list[dict[str, Any]]:
    return build_users()


@app.post("/items")
async def create(item: Item) -> Item:
    return item


@app.get("/sleep")
async def sleep() -> dict[str, bool]:
    await asyncio.sleep(0)
    return {"ok": True}
