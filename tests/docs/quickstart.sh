#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The quick start of the README runs to its end and leaves nothing behind.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"
build=${BANKEN_BUILD:-build/plain}

work=$(mktemp -d "${TMPDIR:-/tmp}/banken-docs.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"

segments() { ipcs -m | grep -c '^0x6ba'; }
before=$(segments)
TMPDIR=$work/tmp BUILD_DIR=${build%/plain} samples/quickstart.sh >"$work/output" 2>&1 </dev/null && : >"$work/output"
report "the quick start runs to its end" "$(cat "$work/output")"
left=$(
    ls -A "$work/tmp"
    find /proc -maxdepth 2 -name exe -lname "$work/tmp/*" 2>/dev/null
    [ "$(segments)" = "$before" ] || ipcs -m
)
report "the quick start leaves nothing behind" "$left"
exit "$bad"
