#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Event responder: appends one JSON line for each event to a file, BANKEN_EVENTS_FILE or /var/log/banken-events.json.

Put it into a directory of events, owned by root, mode 755: /etc/banken/events/allclass/jsonlines.py"""
import json
import os

NAMES = ("class", "name", "monitor", "instance", "severity", "text", "time", "recovering")
facts = {name: os.environ.get(f"EVENT_{name.upper()}", "").encode(errors="surrogateescape").decode(errors="replace") for name in NAMES}
facts.update(time=int(facts["time"]), recovering=facts["recovering"] == "1")
path = os.environ.get("BANKEN_EVENTS_FILE", "/var/log/banken-events.json")
file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
os.write(file, (json.dumps(facts) + "\n").encode())     # one write: lines of responders that run beside each other do not mix
