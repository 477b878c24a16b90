"""Print the interpreter's version and those of the named distributions, on one line.

Fails if one of them is not installed, by which the suite knows to skip the peer.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

try:
    versions = [f"{name} {version(name)}" for name in sys.argv[1:]]
except PackageNotFoundError as missing:
    sys.exit(f"{missing.name} is not installed in {sys.prefix}")
print(f"{platform.python_implementation()} {platform.python_version()}", *versions, sep=", ")
