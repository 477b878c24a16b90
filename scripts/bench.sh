#!/usr/bin/env bash
# bench.sh [OPTION…]: builds Covet as released, installs it beside its peers, runs the suite of
# bench/suite.toml and puts the table into README.md. Options go to `covet-bench suite`; with any,
# README.md is left alone, since what they shorten or leave out is no result to show.
set -euo pipefail
source "$(dirname "$0")/common.sh"

bench/setup.sh --covet >&2
say "building the load generator"
cargo build --release --locked --package covet-bench
target/release/covet-bench suite "$@"
if (($# == 0)); then build/bench-venv/main/bin/python scripts/bench-readme.py; fi
