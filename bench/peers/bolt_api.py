"""The benchmark's handlers in django-bolt: no logging, no compression, msgspec for the body."""

# ruff: noqa: D103  (bench/README.md says what each handler does)
# ruff: noqa: ANN201  (django-bolt validates what is annotated, which costs it time)

from __future__ import annotations

import asyncio

import msgspec
from data import USERS, build_users
from django_bolt import BoltAPI
from django_bolt.responses import PlainText

api = BoltAPI(enable_logging=False, compression=False)


class Item(msgspec.Struct):
    """The body of `create`."""

    name: str
    price: float
    tags: list[str] = []
    in_stock: bool = True


@api.get("/plaintext")
async def plaintext():
    return PlainText("Hello, World!")


@api.get("/json")
async def json():
    return {"message": "Hello, World!"}


@api.get("/items/{item_id}")
async def item(item_id: int, q: str | None = None):
    return {"item_id": item_id, "q": q}


@api.get("/users")
async def users():
    return USERS


@api.get("/users/built")
async def users_built():
    return build_users()


@api.post("/items", status_code=200)
async def create(item: Item):
    return item


@api.get("/sleep")
async def sleep():
    await asyncio.sleep(0)
    return {"ok": True}
