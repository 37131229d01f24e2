#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Restart script for cron: end what may be left of it, start it. pcheck reads the exit status: 0 means that the daemon will appear.
if [ -d /run/systemd/system ]; then
    exec systemctl restart cron
fi
service cron stop
exec service cron start
