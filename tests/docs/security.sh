#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every test that SECURITY.md names is there: scenarios as `file.name`, test cases as `unit: NAME`; and no scenario of test_attacks.py and test_resource_attacks.py is left out.
# shellcheck disable=SC2016
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

scenarios() {
    local file
    for file in tests/scenario/test_*.py; do
        awk -v room="$(basename "$file" .py)" '/^@scenario/ { marked = 1 } /^def / && marked { sub(/^test_/, "", room); sub(/^def /, "")
            sub(/\(.*/, ""); print room "." $0; marked = 0 }' "$file"
    done
}
cases() { sed -n 's/^TEST_CASE("\(.*\)") {.*/unit: \1/p' tests/unit/*.cpp; }
# The last column of the table, one name a line.
named() { sed -n 's/^|.*| \(`.*\) |$/\1/p' "$1" | grep -o '`[^`]*`' | tr -d '`'; }

# missing FILE: what it names and nobody plays.
missing() { comm -23 <(named "$1" | sort -u) <({ scenarios && cases; } | sort -u); }

report "SECURITY.md names tests" "$([ "$(named SECURITY.md | wc -l)" -ge 15 ] || echo "only $(named SECURITY.md | wc -l)")"
report "every test that SECURITY.md names is there" "$(missing SECURITY.md)"
report "every attack is in SECURITY.md" "$(comm -23 <(scenarios | grep -E '^(resource_)?attacks\.' | sort) <(named SECURITY.md | sort -u))"

planted=$(mktemp "${TMPDIR:-/tmp}/banken-security.XXXXXX") || exit 1
trap 'rm -f "$planted"' EXIT
echo '| an attempt | a reason | `attacks.nobody_plays_this`, `unit: nobody says this` |' >"$planted"
report "a name without a test is found" "$([ "$(missing "$planted" | wc -l)" = 2 ] || missing "$planted")"
exit "$bad"
