#!/usr/bin/env bash
# venv.sh [PYTHON]: makes .venv-X.Y with exactly the versions of requirements/dev.txt and prints
# its path. Does nothing if that was done before with the same interpreter and requirements.
set -euo pipefail
source "$(dirname "$0")/common.sh"

requirements=requirements/dev.txt
python=${1:-$(scripts/find-python.sh)}
venv=$PWD/.venv-$(minor "$python")
wanted=$("$python" -c '
import hashlib, pathlib, sys
print(sys.version.split()[0], sys.executable)
print(hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest())
' "$requirements")
stamp=$venv/covet-stamp

if [[ ! -f "$stamp" || "$(<"$stamp")" != "$wanted" ]]; then
    count=$(grep -c == "$requirements")
    say "making ${venv##*/} with $python and $count packages of $requirements (about 20 s)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps \
        --requirement "$requirements" >&2
    "$venv/bin/python" -m pip check >&2
    printf '%s\n' "$wanted" >"$stamp"
fi
printf '%s\n' "$venv"
