"""`--reload`: a supervisor that restarts the server when a file changes.

The supervisor holds the listening socket and hands it to one server after another, so that
connections wait in the system's queue while a server is restarting instead of being refused.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

__all__ = ["changes", "supervise"]

STEP = 0.3
"""Seconds between two looks at the files and at the child."""
_SKIPPED = frozenset({"__pycache__", "node_modules", "site-packages", "target"})


def supervise(command: Sequence[str], fd: int, directories: Sequence[str]) -> int:
    """Run `command`, again after each change, until a signal; returns its last exit status.

    Args:
        command: What serves on the inherited descriptor `fd`.
        fd: The listening socket.
        directories: What to watch.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    child = _start(command, fd)
    for changed in changes(directories, stop):
        if changed:
            print(f"covet: {_shown(changed)} changed, restarting", file=sys.stderr, flush=True)
            _end(child)
            child = _start(command, fd)
    return _end(child)


def _start(command: Sequence[str], fd: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, pass_fds=(fd,))


def _end(child: subprocess.Popen[bytes]) -> int:
    """Let the server finish; a second SIGTERM does not hurry it."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    return child.wait()


def _shown(changed: set[str]) -> str:
    first, *others = sorted(os.path.relpath(path) for path in changed)
    return f"{first} and {len(others)} more" if others else first


def changes(directories: Sequence[str], stop: threading.Event) -> Iterator[set[str]]:
    """The Python files that changed, again and again until `stop`; often none.

    watchfiles is used where it is installed; otherwise the files' times are compared.
    """
    try:
        from watchfiles import PythonFilter, watch
    except ImportError:
        yield from _poll(directories, stop)
        return
    for found in watch(
        *directories,
        watch_filter=PythonFilter(),
        stop_event=stop,
        rust_timeout=int(STEP * 1000),
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        yield {path for _, path in found}


def _poll(directories: Sequence[str], stop: threading.Event) -> Iterator[set[str]]:
    before = _times(directories)
    while not stop.wait(STEP):
        now = _times(directories)
        yield {path for path, _ in before.items() ^ now.items()}
        before = now


def _times(directories: Sequence[str]) -> dict[str, int]:
    """When each Python file was last changed, in nanoseconds."""
    times = {}
    for directory in directories:
        for path in _python_files(Path(directory)):
            try:
                times[str(path)] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return times


def _python_files(directory: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(directory):
        folders[:] = [name for name in folders if _is_watched(Path(root), name)]
        yield from (Path(root, name) for name in files if name.endswith(".py"))


def _is_watched(root: Path, name: str) -> bool:
    hidden = name.startswith(".") or name in _SKIPPED
    return not hidden and not (root / name / "pyvenv.cfg").exists()
