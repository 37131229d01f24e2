#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Monitor of file systems, for cron: filesys_monitor.sh PERCENT MOUNT... tells the event filesys/diskfull of each that is fuller than so many per cent,
# and filesys/badmount of each that is not mounted, or does not answer within 10 seconds.
#     */5 * * * * root /etc/banken/filesys_monitor.sh 95 / /var /srv/data
# Who is to hear of it: /etc/banken/events/filesys/diskfull/, see sendevent(8).

PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
sendevent=${SENDEVENT:-sendevent}
most=${1:?how many per cent may be used?}
shift

tell() { "$sendevent" -C filesys -E "$1" -m filesys_monitor -n "$2" -c filesystem -s "$3" -x "$4"; }

for mount; do
    line=$(timeout 10 df -P -- "$mount" 2>/dev/null | tail -n 1)
    used=$(printf %s "$line" | sed -n 's|.* \([0-9][0-9]*\)% .*|\1|p')
    case $line in
        *"% $mount") if [ "${used:-0}" -gt "$most" ]; then tell diskfull "$mount" warning "$mount is $used% full"; fi ;;
        *) tell badmount "$mount" err "$mount is not mounted, or does not answer" ;;
    esac
done
