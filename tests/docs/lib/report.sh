# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# To be sourced by the scripts of tests/docs: how a result is told to tests/run.sh.

cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
bad=0

# report NAME [COMPLAINTS]: good without complaints.
report() {
    if [ -z "${2:-}" ]; then
        echo "ok $1"
    else
        printf 'FAIL %s\n%s\n' "$1" "$2"
        bad=1
    fi
}

# The C++ files of the given places, those of build directories and other hidden things left out.
sources_in() { find "$@" -name '.?*' -prune -o -path './build*' -prune -o -type f \( -name '*.cpp' -o -name '*.hpp' \) -print | sed 's|^\./||' | sort; }
