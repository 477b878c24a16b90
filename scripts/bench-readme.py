"""Puts bench/results/latest.md between the bench markers of README.md: the end of `make bench`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"


def replaced(document: str, results: str) -> str:
    """The document with everything between its two markers replaced by the results."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"README.md lacks {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{results.strip()}\n{END}{after}"


def main() -> None:
    """Rewrite README.md, or end with an error that says what is missing."""
    results = ROOT / "bench" / "results" / "latest.md"
    readme = ROOT / "README.md"
    if not results.is_file():
        raise SystemExit(f"{results.relative_to(ROOT)} is not there: did the benchmark finish?")
    readme.write_text(replaced(readme.read_text("utf-8"), results.read_text("utf-8")), "utf-8")
    print("README.md now shows bench/results/latest.md", file=sys.stderr)


if __name__ == "__main__":
    main()
