#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the rooms (CONTRIBUTING.md) against the includes of every source file, and proves that a planted include is found.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

room_of() {
    case $1 in
        common/sys/*) echo sys ;;
        common/*) echo common ;;
        pcheck/core/*) echo core ;;
        pcheck/* | padmin/* | sendevent/* | compat/* | bench/* | tests/*) echo "${1%%/*}" ;;
        *) echo none ;;
    esac
}

# What an include brings in: a room, a library, or a kind of system header.
kind_of() {
    case $1 in
        \"*) local path=${1#\"} && room_of "${path%\"}" ;;
        '<fmt/chrono.h>' | '<ctime>' | '<time.h>') echo clock ;;
        '<fmt/'*) echo fmt ;;
        '<tl/'*) echo expected ;;
        '<re2/'*) echo re2 ;;
        '<ini.h>' | '<INIReader.h>') echo inih ;;
        '<spdlog/'*) echo spdlog ;;
        '<systemd/'*) echo systemd ;;
        '<CLI/'*) echo cli11 ;;
        '<nlohmann/'*) echo json ;;
        *curses*) echo ncurses ;;
        '<doctest/'*) echo doctest ;;
        '<thread>' | '<mutex>' | '<shared_mutex>' | '<condition_variable>' | '<future>' | '<semaphore>' | '<latch>' | '<barrier>' | \
            '<stop_token>') echo thread ;;
        '<atomic>') echo atomic ;;
        '<fstream>' | '<filesystem>' | '<iostream>' | '<cstdio>' | '<stdio.h>' | '<random>' | '<syncstream>' | '<dirent.h>') echo outside ;;
        '<sys/types.h>' | '<sys/wait.h>' | '<string.h>' | '<signal.h>' | '<errno.h>') echo names ;; # types, numbers and their texts
        '<'*.h'>') echo libc ;;
        *) echo std ;;
    esac
}

# Kinds that a room may use in any of its files. bench measures the system itself, so it may call it.
everywhere='std names fmt'
declare -A allowed=(
    [common]="common expected atomic"
    [sys]="sys common expected thread atomic outside clock libc systemd"
    [core]="core common"
    [pcheck]="pcheck core sys common thread atomic outside clock libc systemd"
    [padmin]="padmin sys common atomic outside clock"
    [sendevent]="sendevent sys common atomic outside clock"
    [compat]="compat sys common atomic outside clock"
    [bench]="bench sys common thread atomic outside clock libc"
    [tests]="tests pcheck core padmin sendevent compat bench sys common thread atomic outside clock libc systemd expected json doctest"
)

# Kinds that only these files may use.
file_may() {
    case "$2 $1" in
        're2 common/pattern.'?pp | 'inih common/ini.cpp' | 'spdlog common/sys/log.cpp' | 'cli11 pcheck/options.cpp') ;;
        'cli11 padmin/options.cpp' | 'cli11 sendevent/options.cpp' | 'cli11 bench/options.cpp' | 'cli11 compat/'*.cpp) ;;
        'json padmin/render_json.cpp' | 'ncurses padmin/top'*) ;;
        *) return 1 ;;
    esac
}

# Calls that no include shows. common and core read neither clock, file, environment nor process table.
impure='::now\(|clock_gettime|localtime|mktime|getenv|fopen|this_thread|getpid\(|[^_]syscall\(|std::time\('

# complaints: what in the tree of the current directory breaks the table, one line each.
complaints() {
    local file line include kind room
    while IFS=: read -r file line include; do
        [[ $include =~ [\<\"][^\>\"]*[\>\"] ]] && include=${BASH_REMATCH[0]}
        kind=$(kind_of "$include") room=$(room_of "$file")
        if [ "$kind" = none ]; then
            echo "$file:$line: $include is not written from the root, or in no room"
        elif [[ " $everywhere ${allowed[$room]:-} " != *" $kind "* ]] && ! file_may "$file" "$kind"; then
            echo "$file:$line: $room may not include $include ($kind)"
        fi
    done < <(sources_in . | xargs -r grep -nE '^[[:space:]]*#[[:space:]]*include' /dev/null)
    for file in $(sources_in . | grep -vE '^(common|pcheck|padmin|sendevent|compat|bench|tests)/'); do echo "$file: is in no room"; done
    sources_in common pcheck/core | grep -v '^common/sys/' | xargs -r grep -nE "$impure" /dev/null | grep -vE '^[^:]*:[0-9]+: *//'
}

report "includes keep to the rooms" "$(complaints)"

copy=$(mktemp -d "${TMPDIR:-/tmp}/banken-rooms.XXXXXX") || exit 1
trap 'rm -rf "$copy"' EXIT
sources_in common/result.hpp common/process.cpp pcheck/core/types.hpp | xargs cp --parents -t "$copy"
cd "$copy" || exit 1
report "a clean copy has nothing to complain about" "$(complaints)"

# plant FILE LINE: the complaint must name the planted file.
plant() {
    local found
    mkdir -p "$(dirname "$1")"
    echo "$2" >"$1"
    found=$(complaints)
    rm "$1"
    if [[ $found == "$1:"* ]]; then report "found in $1: $2"; else report "found in $1: $2" "the planted line was not found: $found"; fi
}
plant common/planted.hpp '#include "common/sys/clock.hpp"'
plant common/planted.hpp '#include "result.hpp"'
plant common/planted.cpp '#include <unistd.h>'
plant common/planted.cpp '#include <fstream>'
plant common/planted.cpp '#include <re2/re2.h>'
plant common/planted.cpp '  #  include   <ini.h>  // hidden'
plant common/planted.cpp 'auto t = std::chrono::system_clock::now();'
plant common/sys/planted.cpp '#include "pcheck/core/types.hpp"'
plant common/sys/planted.cpp '#include <spdlog/spdlog.h>'
plant pcheck/core/planted.cpp '#include "pcheck/daemon.hpp"'
plant pcheck/core/planted.cpp '#include "common/sys/shm.hpp"'
plant pcheck/core/planted.cpp '#include <sys/stat.h>'
plant pcheck/core/planted.cpp '#include <thread>'
plant pcheck/core/planted.cpp 'const auto t = Clock::now();'
plant pcheck/planted.cpp '#include <CLI/CLI.hpp>'
plant pcheck/planted.cpp '#include "padmin/commands.hpp"'
plant padmin/planted.cpp '#include "pcheck/core/types.hpp"'
plant padmin/planted.cpp '#include <nlohmann/json.hpp>'
plant padmin/planted.cpp '#include <sys/mman.h>'
plant bench/planted.cpp '#include "padmin/render_text.hpp"'
plant elsewhere/planted.cpp '#include <vector>'
exit "$bad"
