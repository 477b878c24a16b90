#!/usr/bin/env bash
# build.sh [PROFILE [VENV]]: builds the engine and makes `import covet` work in VENV.
# PROFILE is `release` (run and bench) or `ci` (tests: faster to build, with overflow checks).
#
# The install is editable: the tests, mypy and a developer's edits all see python/covet itself. The
# extension lands beside it under a name that carries the Python version, so versions coexist;
# each has its own target folder, because pyo3 rebuilds whenever the interpreter changes.
# What an editable install cannot show, a file missing from the wheel, scripts/package.sh does.
set -euo pipefail
source "$(dirname "$0")/common.sh"

profile=${1:-release}
venv=${2:-$(scripts/venv.sh)}
version=$(minor "$venv/bin/python")

say "building the engine for Python $version, profile $profile (a minute or two the first time)"
# A server may be running from the old file: give the new one its own inode.
rm -f python/covet/_covet.cpython-"${version/./}"-*.so
PIP_QUIET=1 VIRTUAL_ENV=$venv CARGO_TARGET_DIR=target/py$version \
    "$venv/bin/maturin" develop --locked --profile "$profile" >&2
"$venv/bin/python" -c 'import covet' || die "the engine was built but does not import"
