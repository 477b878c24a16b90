"""JSON written and read by the engine: the same code that writes responses."""

from covet._covet import json_dumps as dumps
from covet._covet import json_loads as loads

__all__ = ["dumps", "loads"]
