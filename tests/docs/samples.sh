#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sample pfile loads without error or warning, names every key that does something, with its default where it is commented out; its script is sound.
# usage: tests/docs/samples.sh [BUILD_DIR]     without it: $BANKEN_BUILD, else build/plain
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"
build=${1:-${BANKEN_BUILD:-build/plain}}
work=$(mktemp -d "${TMPDIR:-/tmp}/banken-samples.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
pfile=samples/pfiles/pfile_cron script=samples/restart/restart_cron.sh

# load PFILE: what `pcheck -t` says of it beside that it is good, the paths and the key of a host replaced by ours.
load() {
    cp "$script" "$work/restart_cron.sh" && chmod 755 "$work/restart_cron.sh"
    sed "s|/etc/banken/|$work/|; s|/var/lib/banken/|$work/|; s|0x1f000501|$((0x6bb00000 + $$))|" "$1" >"$work/pfile_cron"
    "$build/pcheck/pcheck" -t -f "$work/pfile_cron" 2>&1 | grep -vx "$work/pfile_cron: good, 1 entry, 0 warnings"
    if [ "${PIPESTATUS[0]}" != 0 ]; then echo "pcheck -t ended with ${PIPESTATUS[0]}"; fi
}

# What is commented out has the default of the code; keys of parts that are not built, and those without a default, may be left out.
keys() {
    awk -F '\t' -v pfile="$1" '
        BEGIN {
            while ((getline line < pfile) > 0) {
                if (!match(line, /^#?[A-Z][A-Z_]+ +[^ ]+$/)) continue
                given = split(line, part, / +/)
                key = part[1]
                sub(/^#/, "", key)
                names[key] = line ~ /^#/ ? part[given] : ""
            }
        }
        $1 != "param" || $2 ~ /^(EVENTS_DIR|DEFAULTS_FILE|HISTORY_SIZE)$/ { next }
        !($2 in names) { print $2 " is not named"; next }
        $3 ~ /Default: none/ || names[$2] == "" { next }
        { fallback = $3; sub(/.*Default: /, "", fallback); sub(/[,.].*/, "", fallback) }
        fallback != names[$2] { print $2 " has the default " fallback ", the sample says " names[$2] }' "$work/schema"
}

"$build/tests/print_schema" >"$work/schema"
report "sample pfile: loads" "$(load "$pfile")"
report "sample pfile: keys and defaults" "$(keys "$pfile")"
report "sample script: syntax" "$(sh -n "$script" 2>&1)"
report "sample script: executable" "$([ -x "$script" ] || echo "$script is not")"

# planted TEST SED: the test must complain about the pfile so changed.
planted() {
    sed "$2" "$pfile" >"$work/planted"
    report "sample pfile: a planted fault is found ($1: $2)" "$([ -n "$("$1" "$work/planted")" ] || echo "not found")"
}
planted load 's/^SCRIPT_TIMEOUT/SCRIPT_TIME/'
planted keys 's/^#DETECT .*event/#DETECT poll/'
planted keys '/^#SCRIPT_ENV/d'
exit "$bad"
