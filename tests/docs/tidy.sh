#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over the product's code, with the compile database of BANKEN_BUILD (default: build/plain).
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"
build=${BANKEN_BUILD:-build/plain}
if [ ! -f "$build/compile_commands.json" ]; then
    report "clang-tidy has nothing to say" "no compile_commands.json in $build: build first"
    exit 1
fi

rooms=()
for room in common pcheck padmin sendevent compat; do [ -d "$room" ] && rooms+=("$room"); done
complaints=$(sources_in "${rooms[@]}" | grep '\.cpp$' | xargs -r -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>&1 |
    grep -vE '^[0-9]+ warnings? generated|^Suppressed ')
report "clang-tidy has nothing to say" "$complaints"

planted=$(mktemp -d "${TMPDIR:-/tmp}/banken-tidy.XXXXXX") || exit 1
trap 'rm -rf "$planted"' EXIT
cp .clang-tidy "$planted"
echo 'int BadName() { return 0; }' >"$planted/planted.cpp"
report "a bad name is found" "$(clang-tidy --quiet "$planted/planted.cpp" -- -std=c++20 >/dev/null 2>&1 && echo "not found")"
exit "$bad"
