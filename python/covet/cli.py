"""The command `covet`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any, cast

from covet import _reload, _server
from covet._bind import Bind
from covet._covet import Settings, __version__
from covet.applications import Covet
from covet.exceptions import CovetError

__all__ = ["load", "main"]

LIMITS: tuple[tuple[str, type, str], ...] = (
    ("max_connections", int, "connections open at a time"),
    ("max_head_size", int, "bytes of a request's head"),
    ("max_uri_size", int, "bytes of a request's target"),
    ("max_headers", int, "headers of a request"),
    ("max_body_size", int, "bytes of a request's body"),
    ("max_pipelined", int, "requests of one connection handled at a time"),
    ("output_limit", int, "unsent bytes of a connection at which it is no longer read"),
    ("header_timeout", float, "seconds for a request's head to arrive"),
    ("body_timeout", float, "seconds for more of a request's body to arrive"),
    ("write_timeout", float, "seconds for a client to read more of a response"),
    ("keep_alive_timeout", float, "seconds a connection may be idle"),
    ("thread_limit", int, "threads for def handlers"),
    ("thread_queue", int, "def handlers waiting for a thread"),
)
"""The engine's settings that have an option: name, type, what it limits."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status.

    Args:
        arguments: Those of the command line by default.
    """
    options = _parser().parse_args(arguments)
    if options.reload:
        return _supervise(options)
    try:
        settings = Settings(**_settings(options))
    except ValueError as error:
        return _fail(error)
    try:
        app = load(options.target)
    except CovetError as error:
        return _fail(error)
    return _server.run(
        app,
        _bind(options),
        settings=settings,
        loop=options.loop,
        graceful_timeout=options.graceful_timeout,
    )


def _fail(error: Exception) -> int:
    print(f"covet: error: {error}", file=sys.stderr)
    return 1


def load(target: str) -> Covet:
    """Import an application by `module:attribute`; the attribute is `app` by default.

    The working directory is searched first.

    Raises:
        CovetError: There is no such module or attribute, or it is not an application.
    """
    module_name, _, path = target.partition(":")
    path = path or "app"
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    found: Any = _import(module_name)
    for attribute in path.split("."):
        try:
            found = getattr(found, attribute)
        except AttributeError:
            raise CovetError(f"module {module_name!r} has no attribute {path!r}") from None
    if not isinstance(found, Covet):
        raise CovetError(f"{module_name}:{path} is not a Covet application but {found!r}")
    return found


def _import(name: str) -> Any:
    if name.endswith(".py") or "/" in name:
        hint = name.removesuffix(".py").strip("./").replace("/", ".")
        raise CovetError(f"{name!r} is a file; name the module instead: {hint}:app")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # A module that the application imports is its own fault, shown with its traceback.
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        raise CovetError(
            f"no module named {error.name!r} in {os.getcwd()} or on sys.path"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="covet", description="Serve Covet applications.")
    parser.add_argument("--version", action="version", version=f"covet {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve an application")
    run.add_argument("target", metavar="MODULE[:APP]", help="the application, such as main:app")
    _add_address(run)
    _add_process(run)
    _add_limits(run)
    return parser


def _add_address(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("address")
    group.add_argument("--host", default="127.0.0.1", help="127.0.0.1 by default")
    group.add_argument("--port", type=int, default=8000, help="8000 by default; 0 takes a free one")
    group.add_argument("--uds", metavar="PATH", help="a Unix socket, instead of host and port")
    group.add_argument("--fd", type=int, help="a socket inherited as this descriptor, instead")


def _add_process(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("process")
    group.add_argument("--reload", action="store_true", help="restart when a .py file changes")
    group.add_argument(
        "--reload-dir",
        action="append",
        metavar="DIR",
        help="what to watch; the working directory by default",
    )
    group.add_argument(
        "--loop",
        choices=("auto", "asyncio", "uvloop"),
        default="auto",
        help="auto, the default, is uvloop where it is installed",
    )
    group.add_argument(
        "--graceful-timeout",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="what requests in flight get to finish when the server stops; 30 by default",
    )


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits")
    for name, kind, limited in LIMITS:
        group.add_argument(_option(name), type=kind, metavar="N", help=limited)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _bind(options: argparse.Namespace) -> Bind:
    return Bind(host=options.host, port=options.port, uds=options.uds, fd=options.fd)


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(options, name) for name, _, _ in LIMITS}
    return {name: value for name, value in given.items() if value is not None}


def _supervise(options: argparse.Namespace) -> int:
    try:
        listener = _bind(options).listen()
    except OSError as error:
        print(f"covet: error: {error.strerror or error}", file=sys.stderr)
        return 1
    try:
        with listener:
            return _reload.supervise(
                _child_command(options, listener.fileno()),
                listener.fileno(),
                cast("list[str]", options.reload_dir or [os.getcwd()]),
            )
    finally:
        if options.uds is not None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(options.uds)


def _child_command(options: argparse.Namespace, fd: int) -> list[str]:
    """The command that serves on the supervisor's socket."""
    command = [sys.executable, "-m", "covet", "run", options.target, "--fd", str(fd)]
    command += ["--loop", options.loop, "--graceful-timeout", str(options.graceful_timeout)]
    for name, value in _settings(options).items():
        command += [_option(name), str(value)]
    return command
