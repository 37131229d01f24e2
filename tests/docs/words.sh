#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What no text of this project may contain: paths of somebody's machine, and work left open without the number of an issue.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

in_texts() { grep -rnIE --exclude-dir=.git --exclude-dir='build*' --exclude=words.sh "$@" .; }

machine='(^|[^A-Za-z0-9_.])/(work/(main|shared)|tmp/b-|root/\.)'
open_work='\b(TODO|FIXME|XXX|HACK)\b'

report "no path of a machine" "$(in_texts "$machine")"
report "nothing is left open without an issue's number" "$(in_texts "$open_work" | grep -vE "$open_work"'[ (:]*(issue )?#?[0-9]')"

planted=$(mktemp -d "${TMPDIR:-/tmp}/banken-words.XXXXXX") || exit 1
trap 'rm -rf "$planted"' EXIT
cd "$planted" || exit 1
echo '# see /work/main/x and /tmp/b-infra' >path.sh
echo '// TODO: later' >open.cpp
report "a planted path is found" "$([ "$(in_texts "$machine" | wc -l)" = 1 ] || echo "not found")"
report "planted open work is found" "$([ "$(in_texts "$open_work" | wc -l)" = 1 ] || echo "not found")"
exit "$bad"
