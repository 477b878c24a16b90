#!/usr/bin/env bash
# test.sh [--quick] [STAGE…]: everything that CI checks, in stages; all of them, or those named.
# --quick: the newest Python alone, without the stages that install tools or take minutes.
# Goes on after a stage that failed; the last lines say how each ended.
set -euo pipefail
source "$(dirname "$0")/common.sh"

STAGES=(format lint house rust python stubtest package fuzz)
QUICK_STAGES=(format lint house rust python stubtest)
SUPPORTED=(3.11 3.12 3.13)
FUZZ_SECONDS=20
SKIPPED=77 # what a stage returns when this machine lacks something it may lack

stage_format() {
    check cargo fmt --all --check
    check cargo fmt --manifest-path fuzz/Cargo.toml --check
    check "$venv/bin/ruff" format --check .
    ((broken == 0))
}

stage_lint() {
    export PYO3_PYTHON=$venv/bin/python
    check cargo clippy --workspace --all-targets --locked --keep-going -- -D warnings
    RUSTDOCFLAGS='-D warnings' check cargo doc --workspace --no-deps --locked
    check "$venv/bin/ruff" check .
    check "$venv/bin/mypy"
    check "$venv/bin/mypy" examples scripts
    check "$venv/bin/shellcheck" scripts/*.sh .ci/run
    ((broken == 0))
}

# check COMMAND…: counts a failure and lets the stage go on, so that one run shows them all.
check() { "$@" || broken=$((broken + 1)); }

stage_house() {
    scripts/check-house.sh
    "$(scripts/tool.sh cargo-deny 0.20.2)" check bans licenses sources
}

# The engine's crates, in the environment of a machine that has no Python.
stage_rust() {
    limit 900 scripts/without-python.sh \
        cargo test --workspace --exclude covet-py --locked --no-fail-fast
}

# On each Python found: unit, integration, property and conformance tests, examples, documents.
stage_python() {
    local python
    for python in "${pythons[@]}"; do check pytest_on "$python"; done
    ((broken == 0)) || die "$broken of ${#pythons[@]} Python versions failed"
}

pytest_on() {
    local environment
    environment=$(scripts/venv.sh "$1") &&
        scripts/build.sh ci "$environment" &&
        say "pytest on $("$1" --version)" &&
        limit 900 "$environment/bin/python" -m pytest
}

stage_stubtest() {
    scripts/build.sh ci "$venv"
    "$venv/bin/python" -m mypy.stubtest covet._covet
}

stage_package() { scripts/package.sh; }

# Each target for a short while, from its first inputs; CONTRIBUTING.md tells of longer runs.
stage_fuzz() {
    local fuzz target
    if ! command -v c++ >/dev/null; then
        say "libFuzzer needs a C++ compiler and there is none"
        return "$SKIPPED"
    fi
    fuzz=$(scripts/tool.sh cargo-fuzz 0.13.2)
    # cargo-fuzz wants nightly's sanitizer flags; this lets the stable compiler take them.
    export RUSTC_BOOTSTRAP=1
    "$fuzz" build
    for target in $("$fuzz" list); do
        say "fuzzing $target for $FUZZ_SECONDS s"
        mkdir -p "fuzz/corpus/$target"
        "$fuzz" run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
            -max_total_time="$FUZZ_SECONDS" -rss_limit_mb=2048
    done
}

# Says which Pythons the tests will run on, and which supported ones are not here.
choose_pythons() {
    local version found
    if $quick; then
        pythons=("$(scripts/find-python.sh)")
    else
        mapfile -t pythons < <(scripts/find-python.sh --all)
    fi
    ((${#pythons[@]} > 0)) || exit 1
    found=" $(for python in "${pythons[@]}"; do minor "$python"; done | tr '\n' ' ')"
    say "Python found:$found"
    for version in "${SUPPORTED[@]}"; do
        if [[ "$found" != *" $version "* ]]; then absent+=("$version"); fi
    done
    venv=$(scripts/venv.sh "${pythons[0]}")
}

# run_stage NAME: in a subshell of its own, so that `set -e` ends the stage and not the script.
run_stage() {
    local start=$SECONDS code verdict
    say "stage $1"
    set +e
    (
        set -e
        "stage_$1"
    )
    code=$?
    set -e
    case $code in
        0) verdict=ok passed=$((passed + 1)) ;;
        "$SKIPPED") verdict=skipped skipped=$((skipped + 1)) ;;
        *) verdict="FAILED ($code)" failed=$((failed + 1)) ;;
    esac
    summary+=("$(printf '%-10s %5d s  %s' "$1" $((SECONDS - start)) "$verdict")")
}

quick=false
if [[ "${1:-}" == --quick ]]; then
    quick=true
    STAGES=("${QUICK_STAGES[@]}")
    shift
fi
chosen=("${@:-${STAGES[@]}}")
for stage in "${chosen[@]}"; do
    declare -F "stage_$stage" >/dev/null || die "no stage '$stage'; there are: ${STAGES[*]}"
done

pythons=()
absent=()
summary=()
passed=0 failed=0 skipped=0
broken=0 # what `check` counts, in each stage's subshell
choose_pythons
for stage in "${chosen[@]}"; do run_stage "$stage"; done

printf '\n%s\n' "-- stages, $SECONDS s in all"
printf '%s\n' "${summary[@]}"
for version in "${absent[@]}"; do
    printf 'Python %s: not tested (%s)\n' "$version" "$($quick && echo '--quick' || echo 'not found here')"
done
printf 'stages: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
((failed == 0))
