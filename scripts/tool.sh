#!/usr/bin/env bash
# tool.sh CRATE VERSION: installs a cargo tool into target/tools, once, and prints its path.
set -euo pipefail
source "$(dirname "$0")/common.sh"

root=$PWD/target/tools/$1-$2
if [[ ! -x "$root/bin/$1" ]]; then
    say "installing $1 $2 into ${root#"$PWD/"} (a minute or two)"
    # A debug build: these tools check small inputs, so building them is what takes time.
    cargo install "$1" --version "=$2" --locked --debug --quiet --no-default-features \
        --root "$root" --target-dir target/tools/build >&2
    rm -rf target/tools/build
fi
printf '%s\n' "$root/bin/$1"
