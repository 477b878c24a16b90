#!/usr/bin/env bash
# Prints the newest usable CPython, 3.11 or newer; with --all, the newest of each minor version,
# newest first. Looks on the PATH and in pyenv's and uv's own folders, or, where PYTHON is set,
# at that one alone. Each candidate is run: a pyenv shim may refuse, a Debian Python lack venv.
set -euo pipefail
source "$(dirname "$0")/common.sh"

PROBE='
import ensurepip, sys, sysconfig, venv
usable = (
    sys.implementation.name == "cpython"
    and sys.version_info >= (3, 11)
    and sys.version_info.releaselevel == "final"
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)
if usable:
    print(*sys.version_info[:3], getattr(sys, "_base_executable", sys.executable))
'

candidates() {
    if [[ -n "${PYTHON:-}" ]]; then
        command -v "$PYTHON" || die "PYTHON=$PYTHON is not a command"
        return
    fi
    local folders folder
    IFS=: read -ra folders <<<"$PATH"
    folders+=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin "$HOME"/.pyenv/versions/*/bin)
    folders+=("$HOME"/.local/share/uv/python/*/bin)
    for folder in "${folders[@]}"; do
        printf '%s\n' "$folder"/python3 "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9]
    done
}

# Lines "3 13 0 /path/to/python3.13", newest first.
usable() {
    candidates | awk '!seen[$0]++' | while read -r python; do
        [[ -x "$python" ]] || continue
        "$python" -c "$PROBE" 2>/dev/null </dev/null || true
    done | sort -k1,1nr -k2,2nr -k3,3nr -u
}

found=$(usable | awk '!seen[$1 "." $2]++ { $1 = $2 = $3 = ""; sub(/^ +/, ""); print }')
[[ -n "$found" ]] || die "no CPython 3.11 or newer with venv and ensurepip was found;" \
    "install one (on Debian: python3 and python3-venv) or name it: PYTHON=/path/to/python3.11"
if [[ "${1:-}" == --all ]]; then
    printf '%s\n' "$found"
else
    head -n 1 <<<"$found"
fi
