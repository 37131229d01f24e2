#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Restart script for anything that has a service of its own: restart_service.sh NAME. In a pfile: /etc/banken/restart_service.sh nginx
# Install it in /etc/banken, owned by root, mode 755, and try it by hand before pcheck does:
#     /etc/banken/restart_service.sh nginx; echo $?

PATH=/usr/sbin:/usr/bin:/sbin:/bin
service=${1:?name of a service expected}

if [ -d /run/systemd/system ]; then
    systemctl reset-failed "$service" 2>/dev/null # after many failures systemd would refuse; pcheck counts for itself
    systemctl restart "$service" || exit 1
else
    "/etc/init.d/$service" restart || exit 1
fi
exit 0
