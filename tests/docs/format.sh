#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The layout of the code is clang-format's. `clang-format -i FILE` mends it.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

report "the code has the layout of .clang-format" "$(sources_in . | xargs -r clang-format --dry-run -Werror 2>&1 |
    sed -n 's/:[0-9]*:[0-9]*: error: .*//p' | uniq)"
report "bad layout is found" "$(echo 'int  f( ) ;' | clang-format --dry-run -Werror >/dev/null 2>&1 && echo "not found")"
exit "$bad"
