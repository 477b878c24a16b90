"""Every ```python block of README.md and docs/*.md compiles and runs.

A block runs in a module of its own whose name is not `__main__`. `<!-- no-run -->` on the line
above the block says that it is only to be compiled.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Snippet:
    """One fenced block: its code, where it starts, and whether it is to be run."""

    path: str
    line: int
    code: str
    runs: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


def snippets(path: str, text: str) -> Iterator[Snippet]:
    """The ```python blocks of a document; `line` is that of the block's first code line."""
    previous = ""
    block: list[str] | None = None
    start, runs = 0, True
    for number, line in enumerate(text.splitlines(), start=1):
        if block is not None and line.strip() == "```":
            yield Snippet(path, start, "\n".join(block), runs)
            block = None
        elif block is not None:
            block.append(line)
        elif line.strip() == "```python":
            block, start, runs = [], number + 1, previous != "<!-- no-run -->"
        if line.strip():
            previous = line.strip()
    assert block is None, f"{path}:{start}: the block is not closed"


def found() -> list[Snippet]:
    return [
        snippet
        for document in DOCUMENTS
        for snippet in snippets(str(document.relative_to(ROOT)), document.read_text("utf-8"))
    ]


@pytest.mark.parametrize("snippet", found(), ids=str)
def test_snippet(snippet: Snippet, monkeypatch: pytest.MonkeyPatch) -> None:
    # Leading blank lines give tracebacks the document's own line numbers.
    source = "\n" * (snippet.line - 1) + snippet.code
    code = compile(source, snippet.path, "exec", dont_inherit=True)
    if snippet.runs:
        # pydantic and dataclasses look annotations up in the module that sys.modules names.
        module = ModuleType("doc_snippet")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(code, module.__dict__)


def test_the_readme_has_a_program() -> None:
    assert any(snippet.path == "README.md" and snippet.runs for snippet in found())


def test_extraction() -> None:
    text = (
        "a\n```python\nx = 1\ny = 2\n```\n\n<!-- no-run -->\n\n```python\nz\n```\n```sh\nls\n```\n"
    )
    assert list(snippets("d.md", text)) == [
        Snippet("d.md", 3, "x = 1\ny = 2", runs=True),
        Snippet("d.md", 10, "z", runs=False),
    ]


def test_an_unclosed_block_is_refused() -> None:
    with pytest.raises(AssertionError, match="not closed"):
        list(snippets("d.md", "```python\nx = 1\n"))
