#!/usr/bin/env bash
# Makes the virtual environments the peers run in, one for each file in bench/requirements:
# bench/requirements/NAME.txt goes into build/bench-venv/NAME.
#
#   bench/setup.sh                       make them, or bring them up to date
#   bench/setup.sh --covet               and install Covet, built from this checkout, into `main`
#   PYTHON=python3.12 bench/setup.sh     with this interpreter
#
# Takes CPython 3.13 if it is there, else the newest from 3.11 on. Needs PyPI, and with
# --covet cargo and crates.io.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
venvs=$root/build/bench-venv

say() { printf 'bench/setup: %s\n' "$*"; }

# Prints the interpreter's x.y if it starts and is CPython 3.11 or newer.
version_of() {
    "$1" -c '
import sys
assert sys.implementation.name == "cpython" and sys.version_info >= (3, 11)
print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

# Prints the first interpreter that works. pyenv may have shims that do not start, so its
# versions are tried by path too.
find_python() {
    local minor candidate
    for minor in 13 14 12 11; do
        for candidate in "python3.$minor" "$HOME"/.pyenv/versions/3."$minor".*/bin/python; do
            if [ "$(version_of "$candidate")" = "3.$minor" ]; then
                printf '%s\n' "$candidate"
                return
            fi
        done
    done
    return 1
}

pip_install() {
    local venv=$1
    shift
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

make_venv() {
    local name=$1 venv=$venvs/$1
    if [ "$(version_of "$venv/bin/python" || true)" != "$wanted" ]; then
        say "$name: new, with $python ($wanted)"
        rm -rf "$venv"
        "$python" -m venv "$venv"
    fi
    say "$name: installing"
    pip_install "$venv" -r "$root/bench/requirements/$name.txt"
    say "$name: $("$venv/bin/python" -m pip list --disable-pip-version-check --format=freeze | tr '\n' ' ')"
}

case ${1:-} in
    '' | --covet) ;;
    *) say "unknown option $1"; exit 2 ;;
esac
python=${PYTHON:-$(find_python)} || { say "no CPython 3.11 or newer found; set PYTHON="; exit 1; }
wanted=$(version_of "$python") || { say "$python is not CPython 3.11 or newer"; exit 1; }

mkdir -p "$venvs"
for file in "$root"/bench/requirements/*.txt; do
    make_venv "$(basename "$file" .txt)"
done
if [ "${1:-}" = --covet ]; then
    say "main: building Covet and installing it"
    pip_install "$venvs/main" "$root"
fi
say "done: $venvs"
