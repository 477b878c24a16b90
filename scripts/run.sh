#!/usr/bin/env bash
# The main job on a fresh machine: builds the engine as released and serves examples/hello.py.
set -euo pipefail
source "$(dirname "$0")/common.sh"

venv=$(scripts/venv.sh)
scripts/build.sh release "$venv"
say "serving examples/hello.py; Ctrl-C ends it"
exec "$venv/bin/python" examples/hello.py
