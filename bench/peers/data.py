"""What the handlers of every Python peer answer with."""

from __future__ import annotations

from typing import Any


def build_users() -> list[dict[str, Any]]:
    """Return 50 new user objects."""
    return [
        {
            "id": n,
            "name": f"User {n}",
            "email": f"user{n}@example.com",
            "active": n % 2 == 0,
            "score": n * 1.5,
        }
        for n in range(1, 51)
    ]


USERS = build_users()
