#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The main job, shown: installs what is missing, builds, and lets pcheck watch a daemon that is then killed. Leaves nothing behind but the build.
# Nothing of the host is touched: the daemon is a copy of sleep(1) in a directory of its own, the log is a file beside it.
# usage: samples/quickstart.sh      BUILD_DIR names where to build; else build/ in the tree, or a temporary directory
set -u
# shellcheck source=samples/lib/setup.sh
. "$(dirname "$0")/lib/setup.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/banken-quickstart.XXXXXX") || die "no temporary directory"
name=demod-$$
pfile=$work/pfile_demo
pcheck_pid=

# Our daemons are known by their executable, which lies in our own directory.
end_daemons() {
    local link
    for link in /proc/[0-9]*/exe; do
        if [[ $(readlink "$link" 2>/dev/null) == "$work/$name"* ]]; then kill -9 "$(cut -d / -f 3 <<<"$link")"; fi
    done
}
clean_up() {
    if [ -n "$pcheck_pid" ]; then
        kill "$pcheck_pid" 2>/dev/null
        wait "$pcheck_pid"
    fi
    end_daemons
    rm -rf "$work"
    if [ -n "${build_is_temporary:-}" ]; then rm -rf "$build_root"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# show COMMAND...: as the reader would type it, and what it says.
show() {
    printf '\n$ %s\n' "$*"
    "$@"
}
padmin() { "$build_root/plain/padmin/padmin" "$@"; }
pcheck() { "$build_root/plain/pcheck/pcheck" "$@"; }

state() { padmin -f "$pfile" -c show pent "$name" -q; }
field() { padmin -f "$pfile" -c show pent "$name" | sed -n "s/^$1 *= //p"; }

# What was logged since the last call.
log_seen=0
show_log() {
    local lines
    lines=$(wc -l <"$work/log")
    printf '\nThe log says:\n'
    tail -n +$((log_seen + 1)) "$work/log" | head -n $((lines - log_seen)) | sed 's/^/    /'
    log_seen=$lines
}

# wait_until WHAT COMMAND...: at most 30 s.
wait_until() {
    local what=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 300 ] || { [ -n "$pcheck_pid" ] && ! kill -0 "$pcheck_pid" 2>/dev/null; }; then
            show_log
            die "waited in vain: $what"
        fi
        sleep 0.1
    done
}
is_up_again() { state && [ "$(field pid)" != "$1" ]; }
is_up_or_given_up() {
    if is_up_again "$1"; then return 0; fi
    state
    [ $? = 2 ]
}
has_ended() { ! kill -0 "$pcheck_pid" 2>/dev/null; }

write_files() {
    cp "$(command -v sleep)" "$work/$name"
    cat >"$work/restart_demo.sh" <<END
#!/bin/sh
# Started by pcheck when the daemon is lost. Its exit status counts, so it must not stay in the foreground.
setsid $work/$name infinity </dev/null >/dev/null 2>&1 &
exit 0
END
    chmod 755 "$work/restart_demo.sh"
    cat >"$pfile" <<END
##### PARAM #####
IPCKEY               $(printf '0x%08x' $((0x6ba00000 + $$)))
MSG_CHECK_INTERVAL   5
MONITOR_INTERVAL     1
SCRIPT_TIMEOUT       60
SHM_DUMP_FILE        $work/dump

##### PENT #####
# name : restart script : seconds of the window : restarts allowed in it : what then
$name:$work/restart_demo.sh:86400:3:continue
END
    printf '[log]\ntarget = stderr\n' >"$work/banken.conf"
    export BANKEN_CONF=$work/banken.conf
}

start() {
    say "starting the daemon $name, and pcheck to watch it"
    show cat "$pfile"
    "$work/restart_demo.sh"
    show pcheck -t -f "$pfile" || die "the pfile of this script is refused"
    printf '\n$ pcheck -f %s &\n' "$pfile"
    "$build_root/plain/pcheck/pcheck" -f "$pfile" 2>"$work/log" </dev/null &
    pcheck_pid=$!
    wait_until "$name is watched" state
    show padmin -l
    show padmin -f "$pfile" -c show param
    show padmin -f "$pfile" -c show pent
    show_log
}

kill_once() {
    local old
    old=$(field pid)
    say "killing the daemon"
    show kill -9 "$old"
    wait_until "$name is back" is_up_again "$old"
    show_log
    printf '\nThe daemon was pid %s and is pid %s now.\n' "$old" "$(field pid)"
    show padmin -f "$pfile" -c show pent "$name"
}

kill_until_given_up() {
    local old
    say "killing it again and again: 3 restarts are allowed, and the next attempt waits a second for the one before"
    while state; do
        old=$(field pid)
        show kill -9 "$old"
        wait_until "$name is back or given up" is_up_or_given_up "$old"
    done
    show_log
    show padmin -f "$pfile" -c show pent "$name"
}

clear_it() {
    say "clearing it"
    cat <<END

The entry is in RETRY_OVER: pcheck leaves it alone from now on and reminds of it in the log. When you have mended what kept killing it,
    padmin -f PFILE -c clear NAME     sets the counters of this entry to 0 and looks for its process; if there is none it is started
    padmin -f PFILE -c reload         does so for all entries, and reads the pfile again
END
    show padmin -f "$pfile" -c clear "$name" || die "the order was refused"
    wait_until "$name is watched again" state
    show_log
    show padmin -f "$pfile" -c show pent "$name"
}

shut_down() {
    say "ending pcheck; what it watches goes on running"
    show padmin -f "$pfile" -c shutdown || die "the order was refused"
    wait_until "pcheck has ended" has_ended
    wait "$pcheck_pid" || die "pcheck ended with status $?"
    pcheck_pid=
    show_log
    printf '\nThe dump still tells the last state:\n'
    show padmin --dump "$work/dump" -c show pent "$name"
}

install_missing "${build_packages[@]}"
choose_build_root
say "building in $build_root/plain"
if ! configure "$build_root/plain" || ! compile "$build_root/plain" pcheck/pcheck padmin/padmin sendevent/sendevent compat/ins_list compat/lk_err compat/perform_action; then die "the build failed"; fi
write_files
start
kill_once
kill_until_given_up
clear_it
shut_down
say "done: the daemon is ended and $work removed"
cat <<END

The programs are in $build_root/plain; \`meson install --no-rebuild -C $build_root/plain\` puts them where your PATH finds them.
What to do next is in README.md, "First steps".
END
