#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Restart script for cron (Debian), in the form that pcheck(8) recommends: stop, wait, start, wait, exit 0.
# Install it as /etc/banken/restart_cron.sh, owned by root, mode 755, and try it by hand before pcheck does:
#     /etc/banken/restart_cron.sh; echo $?
# It must always come to an end, and must end with 0 only if the daemon runs.
#
# Where systemd runs cron, use these lines instead of all that follows:
#     systemctl restart cron && exit 0
#     exit 1
# Where its init script is to be used:
#     /etc/init.d/cron stop
#     sleep 2
#     /etc/init.d/cron start || exit 1
#     sleep 2
#     exit 0

PATH=/usr/sbin:/usr/bin:/sbin:/bin
daemon=/usr/sbin/cron
pidfile=/run/crond.pid

running() { start-stop-daemon --status --pidfile "$pidfile" --exec "$daemon"; }

# Stop, and wait at most 10 s: also when it is gone already, since what it left behind is cleaned up here.
start-stop-daemon --stop --quiet --oknodo --retry 10 --pidfile "$pidfile" --exec "$daemon" || exit 1

# Start; cron goes to the background by itself.
"$daemon" || exit 1

# Wait at most 10 s.
seconds=0
until running; do
    seconds=$((seconds + 1))
    if [ "$seconds" -gt 10 ]; then exit 1; fi
    sleep 1
done
exit 0
