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

# The README installs with --no-rebuild, which fails on the first program that is not there.
compiled=$(sed -n 's/.*compile "[^"]*" \([^;]*\);.*/\1/p' samples/quickstart.sh)
missing=$(meson introspect --targets "$build" | COMPILED=$compiled python3 -c '
import json, os, sys
targets = [one for one in json.load(sys.stdin) if one["installed"]]
built = [os.path.basename(one) for one in os.environ["COMPILED"].split()]
print("\n".join(one["name"] for one in targets if one["name"] not in built) if targets else "no target is installed")')
report "the quick start builds every program that is installed" "$missing"
exit "$bad"
