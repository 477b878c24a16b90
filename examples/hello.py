"""A small catalogue: typed parameters, a validated body, an error, and start-up work.

Run it with `make run`, then try::

    curl localhost:8000/
    curl localhost:8000/items/1?quantity=3
    curl localhost:8000/items/7
    curl localhost:8000/items --json '{"name": "chisel", "price": "12.50"}'
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from covet import Covet, HTTPException, Query


class Item(BaseModel):
    """Something for sale."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    price: Annotated[Decimal, Field(gt=0, decimal_places=2)]


items: dict[int, Item] = {}


@asynccontextmanager
async def lifespan(_app: Covet) -> AsyncIterator[None]:
    """Fill the catalogue before the first request, empty it after the last."""
    items[1] = Item(name="plane", price=Decimal("38.00"))
    yield
    items.clear()


app = Covet(lifespan=lifespan)


@app.get("/")
async def hello() -> dict[str, str]:
    """Say hello."""
    return {"message": "Hello, world"}


@app.get("/items/{item_id}")
async def read_item(item_id: int, quantity: Annotated[int, Query(ge=1)] = 1) -> dict[str, str]:
    """Price a quantity of one item."""
    if item_id not in items:
        raise HTTPException(404, f"there is no item {item_id}")
    item = items[item_id]
    return {"name": item.name, "total": str(item.price * quantity)}


@app.post("/items", status_code=201)
async def add_item(item: Item) -> dict[str, int]:
    """Add an item; pydantic validates it straight from the bytes."""
    item_id = max(items, default=0) + 1
    items[item_id] = item
    return {"id": item_id}


if __name__ == "__main__":
    app.run()
