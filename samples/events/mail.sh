#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Event responder: one mail for each event. Put it where events are to be mailed from, owned by root, mode 755:
#     /etc/banken/events/pcheck/retry_over/mail.sh     given up, nothing else
#     /etc/banken/events/allclass/mail.sh              everything: many
# Try it: sendevent -C pcheck -E retry_over -m me -n crond -x 'only a test' -o -w

PATH=/usr/sbin:/usr/bin:/sbin:/bin
to=${BANKEN_MAIL_TO:-root}
sendmail=${SENDMAIL:-/usr/sbin/sendmail}

# What was told may hold anything: a newline in a header would begin another one.
one_line() { printf %s "$1" | tr '\000-\037\177' ' ' | cut -c 1-200; }

{
    printf 'To: %s\n' "$to"
    printf 'Subject: %s\n' "$(one_line "[$(uname -n)] $EVENT_CLASS/$EVENT_NAME $EVENT_INSTANCE: $EVENT_TEXT")"
    printf 'Auto-Submitted: auto-generated\n\n'
    printf '%s\n\n' "$EVENT_TEXT"
    printf 'event:    %s/%s\nabout:    %s\ntold by:  %s\nseverity: %s\nwhen:     %s\n' "$EVENT_CLASS" "$EVENT_NAME" \
        "$EVENT_INSTANCE" "$EVENT_MONITOR" "$EVENT_SEVERITY" "$(date -d "@$EVENT_TIME")"
    if [ "$EVENT_RECOVERING" = 1 ]; then printf 'A recovery was started.\n'; fi
} | "$sendmail" -t -oi
