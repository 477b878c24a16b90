"""Puts the summary of bench/results/latest.md into README.md: the end of `make bench`.

The summary is what comes before the first workload, and the targets at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BEGIN = "<!-- bench:begin -->"
END = "<!-- bench:end -->"


def summary(results: str) -> str:
    """What comes before the workloads' own sections, and the section of targets."""
    head, *sections = results.split("\n### ")
    kept = [part for part in sections if part.startswith(("Requests", "Peers", "Targets"))]
    more = "Every workload by itself: [bench/results/latest.md](bench/results/latest.md).\n"
    return "\n### ".join([head, *kept]).rstrip() + f"\n\n{more}"


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
    text = results.read_text("utf-8")
    readme.write_text(replaced(readme.read_text("utf-8"), summary(text)), "utf-8")
    print("README.md now shows bench/results/latest.md", file=sys.stderr)


if __name__ == "__main__":
    main()
