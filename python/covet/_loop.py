"""The event loops a worker can run on."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import Callable
from typing import Literal, TypeAlias

from covet.exceptions import CovetError

__all__ = ["LoopName", "describe", "factory"]

LoopName: TypeAlias = Literal["auto", "asyncio", "uvloop"]


def factory(name: LoopName) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the loop of that name; `auto` is uvloop where it is installed.

    Raises:
        CovetError: uvloop was asked for and is not installed.
    """
    if name == "asyncio":
        return asyncio.new_event_loop
    try:
        import uvloop
    except ImportError:
        if name == "uvloop":
            raise CovetError("uvloop is not installed: pip install uvloop") from None
        return asyncio.new_event_loop
    new: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return new


def describe(loop: asyncio.AbstractEventLoop) -> str:
    """Python and the loop, with their versions."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    uvloop = sys.modules.get("uvloop")
    if uvloop is not None and isinstance(loop, uvloop.Loop):
        return f"{python}, uvloop {uvloop.__version__}"
    return f"{python}, asyncio ({type(loop).__name__})"
