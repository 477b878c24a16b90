#!/usr/bin/env bash
# without-python.sh COMMAND…: runs a command with no Python on its PATH and none named in its
# environment: the PATH is one folder of links to the Rust and C tools.
set -euo pipefail
source "$(dirname "$0")/common.sh"

tools=$PWD/target/no-python/bin
rm -rf "$tools"
mkdir -p "$tools"
for tool in cargo rustc rustdoc rustfmt cc c++ gcc g++ clang ld ar as ranlib strip \
    sh bash env uname cat mkdir rm timeout kill sleep; do
    if path=$(command -v "$tool"); then ln -s "$path" "$tools/$tool"; fi
done

keep=(HOME CARGO_HOME CARGO_NET_OFFLINE RUSTUP_HOME RUSTUP_TOOLCHAIN TMPDIR CI
    SSL_CERT_FILE HTTPS_PROXY https_proxy CARGO_HTTP_CAINFO CARGO_TERM_COLOR)
environment=("PATH=$tools")
for name in "${keep[@]}"; do
    if [[ -n "${!name:-}" ]]; then environment+=("$name=${!name}"); fi
done
for python in python3 python; do
    if PATH=$tools command -v "$python" >/dev/null; then die "$python is still on the PATH"; fi
done
exec env -i "${environment[@]}" "$@"
