#!/usr/bin/env bash
# Checks what keeps the house of ARCHITECTURE.md true and the compiler cannot see.
# Prints one line per rule broken; ends with an error if there was any.
set -euo pipefail
source "$(dirname "$0")/common.sh"

# The only files that may switch `unsafe_code` on, each for a measured need named beside it.
UNSAFE_ALLOWED=(
    crates/covet-py/src/cpython.rs
    crates/covet-py/src/json/text.rs
    crates/covet-py/src/json/walker.rs
    crates/covet-server/src/listener.rs
    crates/covet-wire/src/json/copy.rs
    crates/covet-wire/src/json/escape.rs
)

broken=0
complain() {
    printf 'house: %s\n' "$*" >&2
    broken=$((broken + 1))
}

# crates_below CRATE: every crate it is built from, itself left out.
crates_below() {
    cargo tree --locked --package "$1" --edges normal,build --prefix none --format '{p}' |
        awk -v crate="$1" '$1 != crate && $1 != "" { print $1 }' | sort -u
}

# must_not_reach CRATE FORBIDDEN…: no crate of that name is anywhere below it.
must_not_reach() {
    local crate=$1 below forbidden
    below=$(crates_below "$crate")
    for forbidden in "${@:2}"; do
        if grep -qx "$forbidden" <<<"$below"; then complain "$crate depends on $forbidden"; fi
    done
}

# must_not_name CRATE REGEX: its source names none of these outside comments.
must_not_name() {
    local found
    found=$(grep -rnE --include='*.rs' "$2" "crates/$1/src" | grep -vE ':[0-9]+: *//' || true)
    if [[ -n "$found" ]]; then complain "$1 must not name these:"$'\n'"$found"; fi
}

python=(pyo3 pyo3-ffi jiter)
runtimes=(mio socket2 tokio async-std smol)
must_not_reach covet-wire covet-engine covet-server "${runtimes[@]}" "${python[@]}"
must_not_reach covet-engine covet-server "${runtimes[@]}" "${python[@]}"
must_not_reach covet-server tokio "${python[@]}"
must_not_reach covet-bench "${python[@]}"
sockets='\b(TcpStream|TcpListener|UdpSocket|UnixStream|UnixListener|ToSocketAddrs)\b'
must_not_name covet-wire "$sockets"'|\bstd::(fs|time|thread|process)\b'
must_not_name covet-engine "$sockets"'|\bstd::(fs|thread|process)\b|\b(Instant|SystemTime)::now\b'

naming_pyo3=$(grep -lE '^pyo3\b' crates/*/Cargo.toml || true)
if [[ "$naming_pyo3" != crates/covet-py/Cargo.toml ]]; then
    complain "pyo3 is for covet-py alone; it is named in: ${naming_pyo3//$'\n'/ }"
fi

lines=$(wc -l <crates/covet-py/src/lib.rs)
if ((lines >= 100)); then complain "crates/covet-py/src/lib.rs has $lines lines; under 100"; fi

while read -r file; do
    if [[ " ${UNSAFE_ALLOWED[*]} " != *" $file "* ]]; then
        complain "$file allows unsafe code and is not in UNSAFE_ALLOWED of scripts/check-house.sh"
    fi
    allowed=$(grep -cw unsafe_code "$file")
    reasons=$(grep -wA3 unsafe_code "$file" | grep -c 'reason *=' || true)
    if ((reasons < allowed)); then complain "$file allows unsafe code without a reason"; fi
done < <(grep -rlE --include='*.rs' '\bunsafe_code\b' crates | sort)

while read -r lines file; do
    if ((lines > 600)); then
        complain "$file has $lines lines: split it (over 500 is a warning, over 600 an error)"
    elif ((lines > 500)); then
        say "warning: $file has $lines lines"
    fi
done < <(find crates python tests examples scripts -type f \( -name '*.rs' -o -name '*.py' -o -name '*.sh' \) \
    -exec wc -l {} \;)

# A figure of speed stands only where `make bench` put it, between the bench markers.
figures=$(awk '
    FNR == 1 { inside = 0 }
    /<!-- bench:begin -->/ { inside = 1 }
    /<!-- bench:end -->/ { inside = 0 }
    !inside && /[0-9](x|×| times) (faster|FastAPI)|[0-9][KMk]? ?(req\/s|rps|RPS|ops\/s)/ {
        print FILENAME ":" FNR ": " $0
    }' ./*.md docs/*.md)
if [[ -n "$figures" ]]; then complain "figures that no command wrote:"$'\n'"$figures"; fi

((broken == 0)) || die "$broken rule(s) of the house broken"
say "the house stands"
