#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The samples work: the sample pfile is accepted, and the quick start runs to its end and leaves nothing behind.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"
build=${BANKEN_BUILD:-build/plain}

work=$(mktemp -d "${TMPDIR:-/tmp}/banken-samples.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

cp samples/restart_cron.sh "$work"
sed "s|/etc/banken/restart_cron.sh|$work/restart_cron.sh|; s|/var/lib/banken/|$work/|; s|^IPCKEY .*|IPCKEY 0x6bb00001|" samples/pfile_cron >"$work/pfile_cron"
chmod 644 "$work/pfile_cron"
report "pcheck -t accepts samples/pfile_cron" "$("$build/pcheck/pcheck" -t -f "$work/pfile_cron" >"$work/lint" 2>&1 || cat "$work/lint")"

segments() { ipcs -m | grep -c 0x6ba; }
before=$(segments)
mkdir "$work/tmp"
complaint=$(TMPDIR=$work/tmp BUILD_DIR=${build%/plain} samples/quickstart.sh >"$work/quickstart" 2>&1 </dev/null || cat "$work/quickstart")
report "the quick start runs to its end" "$complaint"
left=$(
    ls -A "$work/tmp"
    ls -l /proc/[0-9]*/exe 2>/dev/null | grep -F "$work/tmp/"
    [ "$(segments)" = "$before" ] || ipcs -m
)
report "the quick start leaves nothing behind" "$left"
exit "$bad"
