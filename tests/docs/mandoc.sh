#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every man page is free of what mandoc warns about.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

for page in man/*.[1-8]; do
    report "$page passes mandoc's lint" "$(mandoc -T lint -W warning "$page" 2>&1)"
done
exit "$bad"
