# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Functions for scripts of resources that log, of LifeKeeper's names. To be sourced by sh, bash and ksh; in a script of a resource it lies in PATH:
#     . generic-functions.sh
#
#     log LK_INFO 7 "resource $TAG is not ISP status"     level, number of the message, text
#     log "text"                                          old style: LK_ERROR
#     logmsg [LK_LEVEL [NUMBER]] "text"                   log only; without a level LK_INFO
#     plogmsg [LK_LEVEL [NUMBER]] "text"                  the same, and standard output too
#     pl "text", pt "text"                                old style: as log and plogmsg, LK_ERROR
#     logcmd LK_INFO 9 /opt/app/bin/start -v              runs the command and logs what it prints; returns its status
#
# Levels: LK_EMERG, LK_ERROR, LK_WARN, LK_NOTIFY, LK_INFO, LK_DEBUG. All but logcmd return 0, so that `set -e` does not end a script for them.
# lk_err(8) writes the lines, and never waits for a log daemon. All are subshells: none of their variables is the script's.

# banken_parse DEFAULT [LEVEL [NUMBER]] WORD...: sets level and number, and shift to how many words they are.
banken_parse() {
    level=$1 number=0 shift=0 IFS=' '
    case ${2-} in LK_?*) level=$2 shift=1 ;; *) return 0 ;; esac
    case ${3-} in '' | *[!0-9]*) ;; *) if [ "$#" -gt 3 ]; then number=$3 shift=2; fi ;; esac
}

# banken_log LEVEL NUMBER [TEXT]: a script may have set a PATH of its own.
banken_log() {
    PATH=${PATH:-/usr/bin:/bin}${LKROOT:+:$LKROOT/bin}
    lk_err -p "${0##*/}" ${TAG:+-t "$TAG"} -l "$1" -n "$2" ${3+-- "$3"}
}

log() (
    banken_parse LK_ERROR "$@"
    shift "$shift"
    banken_log "$level" "$number" "$*" || printf '%s\n' "$*" >&2
)

logmsg() (
    banken_parse LK_INFO "$@"
    shift "$shift"
    log "$level" "$number" "$*"
)

plogmsg() (
    banken_parse LK_INFO "$@"
    shift "$shift"
    printf '%s\n' "$*"
    log "$level" "$number" "$*"
)

pl() { plogmsg LK_ERROR 0 "$@"; }
pt() { pl "$@"; }

# What the command leaves running keeps the file, which has no name any more: it should write elsewhere.
logcmd() (
    banken_parse LK_INFO "$@"
    shift "$shift"
    file=$(mktemp "${TMPDIR:-/tmp}/logcmd.XXXXXX") || { "$@"; exit; }
    # shellcheck disable=SC2094
    exec 8>"$file" 9<"$file"
    rm -f "$file"
    status=0
    "$@" >&8 2>&1 8>&- 9<&- || status=$?
    banken_log "$level" "$number" <&9 || cat <&9
    exit "$status"
)
