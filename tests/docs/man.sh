#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The man pages say what the code says: keys, ranges, defaults, fields, actions, exit statuses, log lines, options. Then the same checks must fail on
# copies of the pages with one planted difference each.
# usage: tests/docs/man.sh [BUILD_DIR]     without it: $BANKEN_BUILD, else build/plain
# shellcheck disable=SC2317
set -u
export LC_ALL=C.UTF-8
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"
build=${1:-${BANKEN_BUILD:-build/plain}}
work=$(mktemp -d "${TMPDIR:-/tmp}/banken-man.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT

# items PAGE: SECTION, tab, HEAD, tab, BODY of every item that is not in another one's list. SECTION is `Sh` or `Sh/Ss`; BODY are the lines of plain
# text. A page keeps to this for what is compared: a head of macros and quoted texts, the sentence as plain text right below it.
items() {
    awk '
        function words(line,    out, word, i, c, quote) {      # the text of a macro line: names of macros left out, Fl as `-`
            out = ""; word = ""; quote = 0
            sub(/^\.[A-Z][a-z]/, "", line)
            line = line " "
            for (i = 1; i <= length(line); i++) {
                c = substr(line, i, 1)
                if (c == "\"") { quote = !quote; if (quote) word = "\001"; continue }
                if (c != " " || quote) { word = word c; continue }
                if (word ~ /^\001/) out = out " " substr(word, 2)
                else if (word == "Fl") out = out " \002"
                else if (word == "Pq") { out = out " ("; open = 1 }
                else if (word != "" && word !~ /^(Cm|Ic|Li|Ar|Ev|Op|Sy)$/) out = out " " word
                word = ""
            }
            gsub(/\002 /, "-", out); gsub(/\( /, "(", out)
            if (open) out = out ")"
            open = 0
            sub(/^ /, "", out)
            return plain(out)
        }
        function plain(text) { gsub(/\\&/, "", text); gsub(/\\-/, "-", text); gsub(/\\e/, "\\", text); return text }
        function flush() { if (head != "") printf "%s\t%s\t%s\n", section, head, body; head = body = "" }
        /^\.Sh / { flush(); title = section = words($0); next }
        /^\.Ss / { flush(); section = title "/" words($0); next }
        /^\.Bl / { depth++; next }
        /^\.El/  { if (--depth == 0) flush(); next }
        /^\.It/  { if (depth == 1) { flush(); head = words($0) } next }
        /^[^.]/  { if (depth == 1 && head != "") body = body (body == "" ? "" : " ") plain($0) }
    ' "$1"
}

facts() { awk -F '\t' -v OFS='\t' -v kind="$1" '$1 == kind { print $2, $3 }' "$work/schema"; }
first_words() { sed -E 's/^([^ \t]+)[^\t]*/\1/'; }
# section_items PAGE SECTION: HEAD, tab, BODY.
section_items() { items "$1" | awk -F '\t' -v OFS='\t' -v section="$2" '$1 == section { print $2, $3 }'; }

# differences WHAT: complaints, unless every head in $work/wanted is in $work/found, with a body that begins with the wanted sentence, and no other is.
differences() {
    if [ ! -s "$work/wanted" ]; then echo "$1: the code says nothing" && return; fi
    if [ ! -s "$work/found" ]; then echo "$1: the page says nothing" && return; fi
    awk -F '\t' -v what="$1" '
        FNR == NR { found[$1] = $2; next }
        { wanted[$1] = 1 }
        !($1 in found) { print what ": \"" $1 "\" is missing in the page"; next }
        $2 != "" && index(found[$1], $2) != 1 { print what ": \"" $1 "\": the code says \"" $2 "\", the page \"" substr(found[$1], 1, 150) "\"" }
        END { for (head in found) if (!(head in wanted)) print what ": \"" head "\" is in the page only" }' "$work/found" "$work/wanted"
}

# compare KIND PAGE SECTION: items named by the first word of their heads.
compare() {
    facts "$1" >"$work/wanted"
    section_items "$2" "$3" | first_words >"$work/found"
    differences "${2##*/}, $3"
}

# The checks: each prints its complaints about the pages in a directory.
check_lint() { mandoc -T lint -W warning "$1"/*.?; }
check_params() { compare param "$1/pfile.5" 'PARAM KEYS'; }
check_fields() { compare field "$1/pfile.5" 'PENT FIELDS'; }
check_actions() { compare action "$1/pfile.5" 'PENT FIELDS/Actions'; }
check_entry_options() {
    facts option >"$work/wanted"
    items "$1/pfile.5" | sed -n 's|^PENT OPTIONS/[^\t]*\t||p' | first_words >"$work/found"
    differences 'pfile.5, PENT OPTIONS'
}
# Every option has an example of itself, and what an example says of an entry is what pcheck accepts; only its scripts need not be there.
check_examples() {
    awk '/^\.S[hs] / { on = on && !/^\.Sh/ || /^\.Sh PENT OPTIONS/ }
        on && /^\.It Cm/ { option = $3 }
        on && option && /^\.Dl / { sub(/^\.Dl /, ""); gsub(/\\\(ha/, "^"); gsub(/\\e/, "\\"); print option "\t" $0 }' "$1/pfile.5" >"$work/examples"
    facts option | cut -f 1 | while read -r option; do
        if ! grep -qP "^$option\t(.*:)?$option=" "$work/examples"; then echo "pfile.5: \"$option\" has no example of itself"; fi
    done
    printf '%s\n' "IPCKEY $((0x6cc00000 + $$))" "SHM_DUMP_FILE $work/dump" '[PENT]' db:-:0:0:continue cache:-:0:0:continue >"$work/pfile"
    awk -F '\t' '{ print "example" NR ":/bin/true:60:3:continue:" $2 }' "$work/examples" >>"$work/pfile"
    "$build/pcheck/pcheck" -t -f "$work/pfile" 2>&1 | grep -E 'error|has no effect' | grep -v 'No such file'
}
check_resources() {
    compare resource "$1/pfile.5" 'RESOURCE LINES'
    compare common-key "$1/resource.5" 'KEYS OF BOTH KINDS'
    compare generic-key "$1/resource.5" 'KEYS OF GENERIC'
    compare cmdline-key "$1/resource.5" 'KEYS OF CMDLINE'
}
check_meanings() {
    facts meaning >"$work/wanted"
    items "$1/resource.5" | sed -n 's|^SCRIPTS OF CMDLINE/What a report means\t||p' >"$work/found"
    differences 'resource.5, What a report means'
}
# The definitions among the examples are what pcheck accepts; only their scripts and the resources that they depend on need not be there.
check_definitions() {
    local file
    rm -f "$work"/definition*
    awk -v file="$work/definition" '/^\.Sh / { on = /EXAMPLES/ } !on { next } /^\.Ed/ { out = "" } /^\[/ { number++; out = file number } out { print >out }' "$1/resource.5"
    printf '%s\n' "IPCKEY $((0x6cc00000 + $$))" "SHM_DUMP_FILE $work/dump" '[RESOURCE]' >"$work/pfile"
    for file in "$work"/definition*; do
        if [ ! -e "$file" ]; then echo "resource.5: no example of a definition" && return; fi
        echo "tag${file##*definition}:$(sed -n '1s/[][]//gp' "$file"):$file" >>"$work/pfile"
    done
    "$build/pcheck/pcheck" -t -f "$work/pfile" 2>&1 | grep -E 'error|no effect' | grep -vE 'No such file|there is no resource'
}
check_config() {
    facts config >"$work/wanted"
    items "$1/banken.conf.5" | sed -n 's|^KEYS/\(\[[a-z]*\]\)\t|\1 |p' >"$work/found"
    differences 'banken.conf.5, KEYS'
}
check_orders() { compare order "$1/padmin.8" ORDERS; }
check_exits() {
    compare pcheck-exit "$1/pcheck.8" 'EXIT STATUS'
    compare padmin-exit "$1/padmin.8" 'EXIT STATUS'
    compare sendevent-exit "$1/sendevent.8" 'EXIT STATUS'
    compare padmin-quiet "$1/padmin.8" 'EXIT STATUS/show pent name -q'
}
check_lines() {
    facts line >"$work/wanted"
    items "$1/banken.7" | sed -n 's/^LINES OF [A-Z]*\t//p' | sed 's/\t.*/\t/' >"$work/found"
    differences 'banken.7, LINES OF'
}
# The options in the first column of --help: "  -h,--help     Print this".
check_options() {
    local program room help
    for program in pcheck padmin sendevent lk_err; do
        if [ "$program" = lk_err ]; then room=compat; else room=$program; fi
        if ! help=$("$build/$room/$program" --help 2>&1); then
            echo "$program --help: $help"
            continue
        fi
        sed -nE 's/^ +(-[^ ]*(, +-[^ ]+)*).*/\1/p' <<<"$help" | tr -s ', ' '\n' | sed -n 's/^\(-[^=]*\).*/\1\t/p' >"$work/wanted"
        section_items "$1/$program.8" OPTIONS | cut -f 1 | grep -oE -- '(^|[ ,])--?[A-Za-z][a-z-]*' | tr -d ' ,' | sed 's/$/\t/' >"$work/found"
        differences "$program.8, OPTIONS"
    done
}

# planted CHECK PAGE SED: the check, without complaints so far, must have one about the page so changed.
planted() {
    rm -rf "$work/pages" && cp -R man "$work/pages"
    sed -i "$3" "$work/pages/$2"
    report "man: a planted difference is found ($1: $3)" \
        "$([ -n "${good[$1]:-}" ] && ! cmp -s "man/$2" "$work/pages/$2" && [ -n "$("check_$1" "$work/pages")" ] || echo "not found")"
}

if ! "$build/tests/print_schema" >"$work/schema"; then report "man: print_schema" "$build/tests/print_schema failed" && exit 1; fi
declare -A good=()
for check in lint params fields actions entry_options examples resources meanings definitions config orders exits lines options; do
    complaints=$("check_$check" man)
    report "man: $check" "$complaints"
    if [ -z "$complaints" ]; then good[$check]=yes; fi
done
planted lint pcheck.8 's/^\.Nd .*/.Bl/'
planted params pfile.5 's/Default: 10\./Default: 11./'
planted params pfile.5 's/Range: 1\.\.1024/Range: 1..1023/'
planted params pfile.5 's/^\.It Cm SCRIPT_ENV/.It Cm SCRIPT_ENVIRONMENT/'
planted fields pfile.5 's/^0\.\.10000/0..9999/'
planted actions pfile.5 's/^\.It Cm shutdown/.It Cm hold/'
planted entry_options pfile.5 's/^Values: 1\.\.100\./Values: 1..10./'
planted entry_options pfile.5 's/^Default: TERM.60/Default: KILL/'
planted entry_options pfile.5 's/^\.It Cm stable/.It Cm steady/'
planted examples pfile.5 's/^\.Dl stable=.*/.Dl delay=5/'
planted examples pfile.5 's/^\.Dl hung=300/.Dl hung=300s/'
planted resources pfile.5 's/^generic, cmdline\./generic./'
planted resources resource.5 's/^Default: last\./Default: none./'
planted resources resource.5 's/^\.It Cm deep_interval/.It Cm deepCheck_interval/'
planted resources resource.5 's/^Default: TIMEOUT\./Default: 300./'
planted meanings resource.5 's/^\(\.It Online Ta taken over Ta failure\), R4/\1/'
planted definitions resource.5 's/^recover = .*/recovery = x/'
planted config banken.conf.5 's|/dev/log|/dev/klog|'
planted config banken.conf.5 's/^\.It Cm burst/.It Cm bursts/'
planted orders padmin.8 's/^\.It Cm dump/.It Cm undump/'
planted exits pcheck.8 's/^\.It 71/.It 72/'
planted exits padmin.8 's/^no answer/an answer/'
planted exits padmin.8 's/^RETRY_OVER or HOLD/HOLD/'
planted exits sendevent.8 's/^a pcheck was there/a pcheck was here/'
planted lines banken.7 's/^\(\.It Li "Set pid fail (crond)" Pq\) err/\1 notice/'
planted lines banken.7 's/^\.It Li "(crond ,pid=8107) Up"/.It Li "(crond, pid=8107) Up"/'
planted options pcheck.8 's/^\.It Fl -fresh/.It Fl -stale/'
planted options sendevent.8 's/^\.It Fl z/.It Fl Z/'
planted options padmin.8 's/^\.It Fl k/.It Fl K/'
planted options lk_err.8 's/^\.It Fl n/.It Fl N/'
exit "$bad"
