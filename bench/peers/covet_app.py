"""The benchmark's handlers in Covet."""

# ruff: noqa: D103  (bench/README.md says what each handler does)
# ruff: noqa: ANN201  (a declared type would be validated, which the other peers do not do)

from __future__ import annotations

import asyncio

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
async def plaintext():
    return "Hello, World!"


@app.get("/json")
async def json():
    return {"message": "Hello, World!"}


@app.get("/items/{item_id}")
async def item(item_id: int, q: str | None = None):
    return {"item_id": item_id, "q": q}


@app.get("/users")
async def users():
    return USERS


@app.get("/users/built")
async def users_built():
    return build_users()


@app.post("/items")
async def create(item: Item):
    return item


@app.get("/sleep")
async def sleep():
    await asyncio.sleep(0)
    return {"ok": True}
