#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sizes, and the license line of every file. Functions that end with a `}` in the first column are measured here, those inside a class by clang-tidy.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

long_files() {
    local file lines most
    for file in $(sources_in .) $(find tests samples .ci bench -name '*.sh' -o -name '*.py' -o -name run); do
        most=400 lines=$(wc -l <"$file")
        case $file in tests/*) most=600 ;; esac
        if [ "$lines" -gt "$most" ]; then echo "$file: $lines lines, at most $most"; fi
    done
}

# With our layout a function begins at the last line before its end that has a word in the first column, and ends with a lone `}` there.
long_functions() {
    # shellcheck disable=SC2016
    xargs -r awk '/^[A-Za-z]/ { first = FNR; name = $0 }
        /^}$/ && FNR - first > 51 { printf "%s:%d: %d lines: %s\n", FILENAME, first, FNR - first - 1, name }'
}

unlicensed() {
    local file
    while read -r file; do
        head -n 4 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$file: no SPDX line"
    done
}

every_source() {
    find . -path './.git' -prune -o -path './build*' -prune -o -type f \( -name '*.[ch]pp' -o -name '*.sh' -o -name '*.py' -o -name 'meson*.[bt]*' \
        -o -name '*.[1-8]' -o -path './.ci/*' -o -name '.clang-*' -o -path './conf/*' \) -print
}

report "no file is longer than it may be" "$(long_files)"
report "no function is longer than 50 lines" "$(sources_in . | long_functions)"
report "every source file has its SPDX line" "$(every_source | unlicensed)"

planted=$(mktemp "${TMPDIR:-/tmp}/banken-long.XXXXXX") || exit 1
trap 'rm -f "$planted"' EXIT
{
    echo 'int f() {'
    seq -f '    g(%g);' 51
    echo '}'
} >"$planted"
report "a function of 51 lines is found" "$([ -n "$(echo "$planted" | long_functions)" ] || echo "not found")"
report "a file without SPDX line is found" "$([ -n "$(echo "$planted" | unlicensed)" ] || echo "not found")"
exit "$bad"
