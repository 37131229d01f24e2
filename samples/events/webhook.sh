#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Event responder: posts each event as JSON. Set the address below, then put it into a directory of events, owned by root, mode 755 (700 where the
# address holds a secret): /etc/banken/events/allclass/webhook.sh
# Try it: sendevent -C test -E hello -m me -n crond -x 'can you hear me' -w

PATH=/usr/sbin:/usr/bin:/sbin:/bin
url=${BANKEN_WEBHOOK:-http://127.0.0.1:8080/banken}
curl=${CURL:-curl}

# python3 quotes: what was told may hold anything.
python3 -c '
import json, os, socket
names = ("class", "name", "monitor", "instance", "severity", "text", "time", "recovering")
facts = {name: os.environ.get("EVENT_" + name.upper(), "").encode(errors="surrogateescape").decode(errors="replace") for name in names}
facts.update(time=int(facts["time"]), recovering=facts["recovering"] == "1", host=socket.gethostname())
print(json.dumps(facts))' |
    "$curl" --fail --silent --show-error --max-time 30 --header 'Content-Type: application/json' --data-binary @- --output /dev/null "$url"
