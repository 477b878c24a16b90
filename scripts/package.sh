#!/usr/bin/env bash
# Builds a wheel, checks that it holds every file of python/covet, and installs it the way a user
# would: into an empty environment, away from this folder. The tests use an editable install and
# would not notice a file that the wheel lacks.
set -euo pipefail
source "$(dirname "$0")/common.sh"

venv=$(scripts/venv.sh)
version=$(minor "$venv/bin/python")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say "building a wheel for Python $version"
CARGO_TARGET_DIR=target/py$version PYO3_PYTHON=$venv/bin/python \
    "$venv/bin/maturin" build --quiet --locked --profile ci --out "$scratch" \
    --interpreter "$venv/bin/python" >&2
wheel=$(echo "$scratch"/*.whl)

wanted=$(cd python && find covet -type f \( -name '*.py' -o -name '*.pyi' -o -name py.typed \) | sort)
packed=$("$venv/bin/python" -m zipfile --list "$wheel" | awk '{ print $1 }')
missing=$(comm -23 <(printf '%s\n' "$wanted") <(sort <<<"$packed"))
[[ -z "$missing" ]] || die "the wheel lacks: $missing"
grep -q 'LICENSE$' <<<"$packed" || die "the wheel lacks the licence"

say "installing it into an empty environment"
"$venv/bin/python" -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint requirements/dev.txt "$wheel" >&2
cd "$scratch"
venv/bin/python -I -c 'import covet; covet.Covet()'
venv/bin/covet --help >/dev/null
say "$(basename "$wheel") installs and imports"
