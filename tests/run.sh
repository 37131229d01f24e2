#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds plainly, with ASan and UBSan, and for libFuzzer, and runs every test. The last line is `N passed, N failed`.
# Scenarios mostly wait for events: they run beside the second build.
# usage: tests/run.sh [--all]     --all: also the scenarios that take long
# BUILD_DIR names where to build; else it is build/ in the tree, or a temporary directory where the tree cannot be written.
set -u
export LC_ALL=C.UTF-8
# shellcheck source=samples/lib/setup.sh
. "$(dirname "$0")/../samples/lib/setup.sh"
cd "$root" || exit 1

all=()
case "$*" in
    '') ;;
    --all) all=(--all) ;;
    *) echo "usage: tests/run.sh [--all]" >&2 && exit 64 ;;
esac

passed=0 failed=0 skipped=0 failures=()
running='' scenarios='' soak=''
logs=$(mktemp -d "${TMPDIR:-/tmp}/banken-tests.XXXXXX") || exit 1
clean_up() {
    for job in $running $scenarios $soak; do kill "$job" 2>/dev/null; done
    rm -rf "$logs"
    if [ -n "${build_is_temporary:-}" ]; then rm -rf "$build_root"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# tally NAME PASSED FAILED SKIPPED
tally() {
    passed=$((passed + $2)) failed=$((failed + $3)) skipped=$((skipped + $4))
    if [ "$3" -gt 0 ]; then failures+=("$1"); fi
}

# run_limited SECONDS LOG COMMAND...: the command's exit status, and in `took` its seconds. timeout(1) ends the
# whole process group.
run_limited() {
    local limit=$1 log=$2 status begun=$SECONDS
    shift 2
    : >"$log"
    timeout -k 10 "$limit" "$@" >>"$log" 2>&1 </dev/null &
    running=$!
    wait "$running"
    status=$?
    running='' took=$((SECONDS - begun))
    if [ "$status" = 124 ]; then echo "(ended after $limit s)" >>"$log"; fi
    return "$status"
}

# number_before WORD TEXT: 12 for "12 | 12 passed | 0 failed" and passed.
number_before() { sed -n "s/.*[^0-9]\([0-9][0-9]*\) $1.*/\1/p" <<<" $2" | head -n 1; }

# settle NAME STATUS LOG SUMMARY: counts what the summary line says. A program that ends badly, or without a summary, is itself a failure.
settle() {
    local name=$1 status=$2 log=$3 good bad left
    good=$(number_before passed "$4") bad=$(number_before failed "$4") left=$(number_before skipped "$4")
    if [ -z "$good" ] || [ -z "$bad" ] || { [ "$status" != 0 ] && [ "$bad" = 0 ]; } || [ "$((good + bad + ${left:-0}))" = 0 ]; then
        echo "(ended with status $status; summary: ${4:-none})" >>"$log"
        bad=$((${bad:-0} + 1))
    fi
    tally "$name" "${good:-0}" "$bad" "${left:-0}"
    say "$name: ${good:-0} passed, $bad failed ($took s)"
    if [ "$bad" -gt 0 ]; then sed 's/^/    /' "$log"; fi
}

run_unit_tests() {
    local flavour=$1 dir=$2 program log status found=''
    for program in "$dir"/tests/test_*; do
        if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
        found=yes log=$logs/unit
        run_limited 300 "$log" "$program"
        status=$?
        settle "$flavour ${program##*/}" "$status" "$log" "$(grep -a '^\[doctest\] test cases:' "$log" | tail -n 1)"
    done
    if [ -z "$found" ]; then
        say "$flavour: no test program in $dir/tests"
        tally "$flavour unit tests" 0 1 0
    fi
}

# A script prints `ok NAME` or `FAIL NAME` for each of its tests; one that prints neither is a single test, judged by its status.
run_text_tests() {
    local script log=$logs/text status good bad
    for script in tests/docs/*.sh; do
        run_limited 900 "$log" "$script"
        status=$?
        good=$(grep -ac '^ok ' "$log") bad=$(grep -ac '^FAIL ' "$log")
        if [ "$status" = 0 ] && [ "$((good + bad))" = 0 ]; then good=1; fi
        settle "${script#tests/}" "$status" "$log" "$good passed, $bad failed"
    done
}

# Many deaths, orders and reloads for five minutes (an hour with --all): mostly waiting, so it runs beside all else.
start_soak() {
    local seconds=300
    if [ "${#all[@]}" -gt 0 ]; then seconds=3600; fi
    BANKEN_SOAK=$seconds timeout -k 10 $((seconds + 600)) python3 tests/scenario/run.py --build "$BANKEN_BUILD" load.a_soak >"$logs/soak" 2>&1 </dev/null &
    soak=$! soak_begun=$SECONDS
}

finish_soak() {
    local status
    say "soak"
    wait "$soak"
    status=$?
    cat "$logs/soak"
    soak='' took=$((SECONDS - soak_begun))
    settle soak "$status" /dev/null "$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$logs/soak" | tail -n 1)"
}

# Each target for a few seconds; `tests/fuzz/run.sh 600` looks for longer.
run_fuzz_targets() {
    local log=$logs/fuzz status
    BUILD_DIR=$build_root run_limited 3600 "$log" tests/fuzz/run.sh
    status=$?
    settle fuzz "$status" "$log" "$(grep -ac '^ok ' "$log") passed, $(grep -ac '^FAIL ' "$log") failed"
}

start_scenarios() {
    local limit=1500
    if [ "${#all[@]}" -gt 0 ]; then limit=14400; fi
    say "scenarios begin"
    timeout -k 10 "$limit" python3 tests/scenario/run.py --build "$BANKEN_BUILD" "${all[@]}" >"$logs/scenarios" 2>&1 </dev/null &
    scenarios=$! scenarios_begun=$SECONDS
}

finish_scenarios() {
    local status
    say "scenarios"
    tail -n +1 -s 0.2 --pid="$scenarios" -f "$logs/scenarios"
    wait "$scenarios"
    status=$?
    scenarios='' took=$((SECONDS - scenarios_begun))
    settle scenarios "$status" /dev/null "$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$logs/scenarios" | tail -n 1)"
}

# build FLAVOUR "TARGET..." [MESON OPTION]...: without targets all of them.
build() {
    local flavour=$1 targets
    read -ra targets <<<"$2"
    shift 2
    say "building in $build_root/$flavour"
    if configure "$build_root/$flavour" "$@" && compile "$build_root/$flavour" "${targets[@]}"; then return 0; fi
    tally "$flavour build" 0 1 0
    return 1
}

install_missing "${build_packages[@]}" clang libclang-rt-14-dev mandoc clang-format clang-tidy python3 \
    cron ksh93u+m nginx-light openssh-client openssh-server postgresql redis-server rsyslog procps
choose_build_root
export BANKEN_BUILD=$build_root/plain UBSAN_OPTIONS=print_stacktrace=1

# What is run by people and by scenarios, and the unit tests that need an optimizer.
tracer=''
if [ "$(uname -m)" = x86_64 ]; then tracer=tests/campaign/tracer; fi
if build plain "pcheck/pcheck padmin/padmin sendevent/sendevent compat/ins_list compat/lk_err compat/perform_action tests/scenario/testd tests/scenario/action $tracer tests/print_schema tests/test_schedules tests/test_resource_schedules" -Ddebug=false; then
    if [ "$(id -u)" = 0 ]; then
        start_scenarios
        start_soak
    else
        say "scenarios watch and end daemons of root: skipped"
        tally scenarios 0 0 2
    fi
fi
# Unoptimized, since half of a sanitized build's time is the optimizer's; -g1 keeps the lines in the stack traces.
if build sanitized "" -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=0 -Ddebug=false \
    -Dcpp_args='-fno-sanitize-recover=all -g1'; then
    for flavour in sanitized plain; do
        say "unit tests, $flavour"
        run_unit_tests "$flavour" "$build_root/$flavour"
    done
fi
if [ -n "$scenarios" ]; then finish_scenarios; fi
say "fuzz targets"
run_fuzz_targets
say "texts, layout and lint"
run_text_tests
if [ -n "$soak" ]; then finish_soak; fi

say "done"
for name in "${failures[@]}"; do echo "FAILED: $name"; done
if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
