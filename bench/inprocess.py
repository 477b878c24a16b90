"""What one request costs without sockets: parse, route, call the handler, write the response.

    python bench/inprocess.py [--rounds N] [--only NAME]

Prints nanoseconds per request, the least of several runs. Under `valgrind --tool=callgrind` (see
bench/callgrind.sh) the same program gives instruction counts, which do not depend on what else the
machine is doing.
"""

# ruff: noqa: D103  (TARGETS says what each handler is for)
# ruff: noqa: ANN201  (a declared type would be validated)

from __future__ import annotations

import argparse
import asyncio

from covet import Covet
from covet._covet import Server, Settings
from covet.responses import PlainTextResponse

app = Covet()
USERS = [
    {"id": n, "name": f"User {n}", "email": f"user{n}@example.com", "active": n % 2 == 0}
    for n in range(50)
]
# What the load generator sends, too.
HEAD = "Host: 127.0.0.1:8000\r\n\r\n"


@app.get("/sync", response_class=PlainTextResponse, sync="inline")
def synchronous():
    return "Hello, World!"


@app.get("/async", response_class=PlainTextResponse)
async def asynchronous():
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


TARGETS = {
    # Answered by the engine alone, with a 404: no Python runs.
    "static": "GET /nowhere",
    "sync": "GET /sync",
    "async": "GET /async",
    "json": "GET /json",
    "path": "GET /items/42?q=abc",
    "users": "GET /users",
}


async def main() -> None:
    """Measure every target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000, help="batches of 64 requests")
    parser.add_argument("--repeat", type=int, default=7, help="runs, of which the least counts")
    parser.add_argument("--only", choices=TARGETS)
    options = parser.parse_args()
    loop = asyncio.get_running_loop()
    server = Server(app.compile(), loop, Settings())
    for name, line in TARGETS.items():
        if options.only not in (None, name):
            continue
        requests = f"{line} HTTP/1.1\r\n{HEAD}".encode() * 64
        rounds = max(1, options.rounds // (20 if name == "users" else 1))
        least = min([await measure(loop, server, requests, rounds) for _ in range(options.repeat)])
        print(f"{name:8} {least / (rounds * 64):8.1f} ns", flush=True)
    server.close()


async def measure(
    loop: asyncio.AbstractEventLoop, server: Server, requests: bytes, rounds: int
) -> int:
    """One run, from a callback: a handler's task cannot be entered from within another task."""
    done: asyncio.Future[int] = loop.create_future()

    def replay() -> None:
        try:
            done.set_result(server.replay(requests, rounds))
        except OSError as error:
            done.set_exception(error)

    loop.call_soon(replay)
    return await done


if __name__ == "__main__":
    asyncio.run(main())
