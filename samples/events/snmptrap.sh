#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Event responder: an SNMP trap (v2c) for each event, by snmptrap(1) of Net-SNMP. The number is that of Net-SNMP's playpen: take one of your own
# enterprise. Put it into a directory of events, owned by root, mode 755: /etc/banken/events/pcheck/down/snmptrap.sh

PATH=/usr/sbin:/usr/bin:/sbin:/bin
manager=${BANKEN_TRAP_TO:-localhost} community=${BANKEN_TRAP_COMMUNITY:-public}
base=1.3.6.1.4.1.8072.9999.9999
snmptrap=${SNMPTRAP:-snmptrap}

exec "$snmptrap" -v 2c -c "$community" "$manager" '' "$base.1" \
    "$base.2.1" s "$EVENT_CLASS" "$base.2.2" s "$EVENT_NAME" "$base.2.3" s "$EVENT_INSTANCE" "$base.2.4" s "$EVENT_SEVERITY" \
    "$base.2.5" s "$EVENT_TEXT" "$base.2.6" s "$EVENT_TIME" "$base.2.7" i "$EVENT_RECOVERING"
