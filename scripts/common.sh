# Sourced by every script: the repository's root as the working directory, and how to speak.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit

# say MESSAGE: progress goes to stderr, so that stdout stays free for results.
say() { printf '==> %s\n' "$*" >&2; }

# die MESSAGE: says what is wrong and ends the script.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# limit SECONDS COMMAND…: ends a command that hangs, where coreutils' timeout exists.
limit() {
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then
        timeout --kill-after=10 "$seconds" "$@"
    else
        "$@"
    fi
}

# minor PYTHON: its version as "3.13".
minor() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }
