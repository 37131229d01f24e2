#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lets libFuzzer look for inputs that break what the targets of this directory hold: builds them with clang, ASan and UBSan, and runs each for SECONDS
# (20), two side by side. Prints `ok TARGET` or `FAIL TARGET`, and where the input of a failure is kept.
# usage: tests/fuzz/run.sh [SECONDS] [TARGET...]
# What is found on the way stays in fuzz/corpus of the build directory: a later run goes on from there. SEED=N plays a run again from the same start.
set -u
export LC_ALL=C.UTF-8
# shellcheck source=samples/lib/setup.sh
. "$(dirname "$0")/../../samples/lib/setup.sh"
cd "$root" || exit 1

seconds=20
case ${1:-} in
    '' | *[!0-9]*) ;;
    *) seconds=$1 && shift ;;
esac
seed=${SEED:-$((RANDOM + 1))}
read -ra targets <<<"${*:-$(cd tests/fuzz/corpus && echo *)}"
for target in "${targets[@]}"; do [ -f "tests/fuzz/$target.cpp" ] || die "there is no target $target"; done

install_missing "${build_packages[@]}" clang libclang-rt-14-dev
choose_build_root
build=$build_root/fuzz found=$build_root/fuzz/found corpus=$build_root/fuzz/corpus
work=$(mktemp -d "${TMPDIR:-/tmp}/banken-fuzz.XXXXXX") || exit 1
clean_up() {
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null
    wait
    rm -rf "$work"
    if [ -n "$build_is_temporary" ]; then rm -rf "$build_root"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

say "building in $build"
configure "$build" --native-file "$root/tests/fuzz/clang.ini" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
    -Ddebug=false || die "meson has failed"
compile "$build" fuzzers || die "the fuzz targets cannot be built"
mkdir -p "$found" || exit 1

# The seconds are the processor's only as long as it is not shared: -timeout is far beyond what any input takes.
fuzz() {
    local target=$1 own=$corpus/$1 log=$work/$1.log dictionary=tests/fuzz/dictionary/$1 options=()
    mkdir -p "$own" "$work/seeds/$target"
    if [ -f "$dictionary" ]; then options+=("-dict=$dictionary"); fi
    case $target in adoption | segment) "$build/tests/fuzz/seed_segment" "$work/seeds/$target" || return ;; esac
    TMPDIR=$work ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1} UBSAN_OPTIONS=print_stacktrace=1 timeout -k 10 $((seconds + 600)) \
        "$build/tests/fuzz/fuzz_$target" "-max_total_time=$seconds" "-seed=$seed" -max_len=65536 -timeout=100 -rss_limit_mb=2048 \
        "-artifact_prefix=$found/$target-" -print_final_stats=1 "${options[@]}" "$own" "tests/fuzz/corpus/$target" "$work/seeds/$target" \
        >"$log" 2>&1 </dev/null
}

tell() {
    local target=$1 log=$work/$1.log runs
    if fuzz "$target" && runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log") && [ "${runs:-0}" -gt 0 ]; then
        echo "ok $target"
        echo "$target: $runs inputs, $(sed -n 's/^#.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1) edges, seed $seed"
    else
        touch "$work/failed"
        echo "FAIL $target"
        grep -avE '^#[0-9]|^\s*NEW_FUNC' "$log" | tail -n 60  # all but its progress
        echo "$target: seed $seed; the input is kept: $(sed -n 's/.*Test unit written to //p' "$log")"
    fi
}

say "fuzzing for $seconds s each"
for target in "${targets[@]}"; do
    while [ "$(jobs -pr | wc -l)" -ge 2 ]; do wait -n; done
    tell "$target" >"$work/$target.told" && cat "$work/$target.told" &
done
wait
[ ! -e "$work/failed" ]
