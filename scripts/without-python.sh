#!/usr/bin/env bash
# without-python.sh COMMAND…: runs a command as on a machine that has no Python: the PATH is one
# folder of links to every other program, and the environment names nothing of Python's.
set -euo pipefail
source "$(dirname "$0")/common.sh"

programs=$PWD/target/no-python
rm -rf "$programs"
mkdir -p "$programs"
IFS=: read -ra folders <<<"$PATH"
# From the last to the first, so that the first of a name wins as it does on the PATH.
for ((i = ${#folders[@]} - 1; i >= 0; i--)); do
    if [[ ! -d "${folders[i]}" || "${folders[i]}" == *pyenv* || -f "${folders[i]}/activate" ]]; then
        continue
    fi
    find "${folders[i]}/" -maxdepth 1 ! -type d -executable ! -iname '*py*' ! -iname '*pip*' \
        -exec ln -sf -t "$programs" {} +
done
for python in python python3; do
    if PATH=$programs command -v "$python" >/dev/null; then die "$python is still on the PATH"; fi
done

environment=("PATH=$programs")
for name in HOME TMPDIR CI CARGO_HOME CARGO_TERM_COLOR RUSTUP_HOME RUSTUP_TOOLCHAIN \
    SSL_CERT_FILE CARGO_HTTP_CAINFO HTTPS_PROXY https_proxy; do
    if [[ -n "${!name:-}" ]]; then environment+=("$name=${!name}"); fi
done
exec env -i "${environment[@]}" "$@"
