#!/usr/bin/env bash
# callgrind.sh TARGET [PYTHON]: instructions one request costs in process, whatever else the machine
# is doing: the difference between two runs of bench/inprocess.py, so that start-up falls out.
# TARGET is one of those of bench/inprocess.py; PYTHON has covet installed.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${1:?name a target, such as async}
python=${2:-build/bench-venv/main/bin/python}
rounds=60 batch=64
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

instructions() {
    PYTHONHASHSEED=0 valgrind --tool=callgrind --callgrind-out-file="$folder/$1" \
        "$python" bench/inprocess.py --only "$target" --repeat 1 --rounds "$1" 2>&1 |
        awk '/Collected/ { print $4 }'
}

fewer=$(instructions "$rounds")
more=$(instructions $((rounds * 2)))
echo "$target: $(((more - fewer) / (rounds * batch))) instructions per request"
