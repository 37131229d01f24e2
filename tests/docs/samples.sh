#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The sample pfiles load without error or warning; the first names every key that does something, with its default where it is commented out. The scripts
# are sound.
# usage: tests/docs/samples.sh [BUILD_DIR]     without it: $BANKEN_BUILD, else build/plain
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"
build=${1:-${BANKEN_BUILD:-build/plain}}
work=$(mktemp -d "${TMPDIR:-/tmp}/banken-samples.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
pfile=samples/pfiles/pfile_cron shop=samples/pfiles/pfile_shop
scripts=(samples/restart/*.sh samples/checks/*.sh)
responders=(samples/events/*.sh)
templates=(samples/resources/generic/{restore,remove,quickCheck,deepCheck,recover} samples/resources/cmdline/ctl)

# load PFILE: what `pcheck -t` says of it beside that it is good; paths, users and the key of a host replaced by ours.
load() {
    cp "${scripts[@]}" "$work" && chmod 755 "$work"/*.sh
    sed "s|/etc/banken/|$work/|g; s|/var/[a-z/]*/|$work/|; s|0x1f00050.|$((0x6bb00000 + $$))|; s|:user=[a-z]*|:user=root|" "$1" >"$work/pfile"
    printf '[log]\ntarget = stderr\n' >"$work/banken.conf"     # this host may have no log daemon
    "$build/pcheck/pcheck" --conf "$work/banken.conf" -t -f "$work/pfile" 2>&1 | grep -vxE "$work/pfile: good, [0-9]+ entr(y|ies), 0 warnings"
    if [ "${PIPESTATUS[0]}" != 0 ]; then echo "pcheck -t ended with ${PIPESTATUS[0]}"; fi
}

# definitions DIRECTORY: what `pcheck -t` says of the definitions of the templates, beside that they are good.
definitions() {
    local kind
    mkdir -p "$work/templates"
    printf '%s\n' "IPCKEY $((0x6bb00000 + $$))" "SHM_DUMP_FILE $work/dump" '[RESOURCE]' >"$work/pfile"
    for kind in generic cmdline; do
        cp "$1/$kind"/* "$work/templates"
        sed "s|/etc/banken/[a-z]*/|$work/templates/|" "$1/$kind/definition" >"$work/templates/definition.$kind"
        echo "$kind:$kind:$work/templates/definition.$kind" >>"$work/pfile"
    done
    "$build/pcheck/pcheck" --conf "$work/banken.conf" -t -f "$work/pfile" 2>&1 | grep -vxF "$work/pfile: good, 0 entries, 2 resources, 0 warnings"
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
report "sample pfile of options: loads" "$(load "$shop")"
report "sample definitions: load" "$(definitions samples/resources)"
for script in "${scripts[@]}" "${responders[@]}" "${templates[@]}"; do
    report "sample script ${script##*/}: syntax" "$("$(sed -n '1s/^#!//p' "$script")" -n "$script" 2>&1)"
    report "sample script ${script##*/}: executable" "$([ -x "$script" ] || echo "$script is not")"
done
# Responders, told something hostile; what they would call is a script that writes down its arguments and its input.
export EVENT_CLASS=pcheck EVENT_NAME=retry_over EVENT_MONITOR=pcheck EVENT_INSTANCE='a"b' EVENT_SEVERITY=err EVENT_TIME=1169094883 EVENT_RECOVERING=1
EVENT_TEXT=$(printf 'first\nBcc: everybody@example.com\n\\ "\377\001 $(id)')
export EVENT_TEXT BANKEN_EVENTS_FILE=$work/events.json
printf '%s\n' '#!/bin/sh' "printf '[%s]' \"\$@\" >$work/called" "cat >$work/input" >"$work/fake" && chmod 755 "$work/fake"
export SENDMAIL=$work/fake CURL=$work/fake SNMPTRAP=$work/fake
# json FILE: whether each of its lines holds the facts.
json() {
    python3 -c '
import json, sys
for line in open(sys.argv[1]):
    facts = json.loads(line)
    wanted = {"class": "pcheck", "instance": "a\"b", "time": 1169094883, "recovering": True, "text": "first\nBcc: everybody@example.com\n\\ \"\ufffd\x01 $(id)"}
    for key, value in wanted.items():
        if facts[key] != value: print(f"{key} is {facts[key]!r}, {value!r} wanted")' "$1"
}
report "sample responder mail.sh: one recipient, one line of subject" "$(
    samples/events/mail.sh </dev/null 2>&1
    sed '/^$/,$d' "$work/input" >"$work/head"
    [ "$(cut -d : -f 1 "$work/head" | paste -sd ' ')" = 'To Subject Auto-Submitted' ] || cat "$work/head"
    grep -q '^Bcc: ' "$work/input" || echo 'the text is not in the mail'
)"
report "sample responder webhook.sh: the facts as JSON" "$(samples/events/webhook.sh 2>&1; json "$work/input")"
report "sample responder snmptrap.sh: the text is one argument" "$(
    samples/events/snmptrap.sh </dev/null 2>&1
    grep -qF '[s][first' "$work/called" && grep -qF '[i][1]' "$work/called" || cat "$work/called"
)"
report "sample responder jsonlines.py: a line an event" "$(
    for run in 1 2; do samples/events/jsonlines.py || echo "run $run failed"; done 2>&1
    [ "$(wc -l <"$work/events.json")" = 2 ] || echo 'not two lines'
    json "$work/events.json"
)"
export SENDEVENT=$work/fake
report "sample monitor of file systems: full, not mounted, and good" "$(
    rm -f "$work/called"
    samples/events/filesys_monitor.sh 100 / </dev/null && [ ! -e "$work/called" ] || echo 'an event of a good one'
    samples/events/filesys_monitor.sh -1 / </dev/null && grep -qF '[-E][diskfull]' "$work/called" || echo 'no diskfull'
    samples/events/filesys_monitor.sh 100 "$work" </dev/null && grep -qF '[-E][badmount]' "$work/called" || echo 'no badmount'
)"
# planted TEST SED: the test must complain about the pfile so changed.
planted() {
    sed "$2" "${3:-$pfile}" >"$work/planted"
    report "sample pfile: a planted fault is found ($1: $2)" "$([ -n "$("$1" "$work/planted")" ] || echo "not found")"
}
planted load 's/^SCRIPT_TIMEOUT/SCRIPT_TIME/'
planted keys 's/^#DETECT .*event/#DETECT poll/'
planted keys '/^#SCRIPT_ENV/d'
mkdir "$work/planted.d" && cp -R samples/resources/* "$work/planted.d" && sed -i 's/^remove = .*/remove = stop/' "$work/planted.d/generic/definition"
report "sample definitions: a planted fault is found" "$([ -n "$(definitions "$work/planted.d")" ] || echo "not found")"
planted load 's/after=postgres/after=postgresql/' "$shop"
planted load 's/group=shop:delay=10-600/group=shop/' "$shop"
exit "$bad"
