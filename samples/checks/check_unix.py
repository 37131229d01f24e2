#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Check: does somebody take connections at this Unix socket?

usage: check_unix.py PATH [SECONDS]       @NAME: an abstract one
0: yes (Online). 1: no, or not within SECONDS, 10 by default (Offline). 64: wrong arguments. What a generic resource appends (-t TAG -i ID) is passed over.
    check=/etc/banken/check_unix.py /run/mysqld/mysqld.sock"""
import errno
import itertools
import os
import socket
import struct
import sys

words = list(itertools.takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
if len(words) not in (1, 2) or not all(word.isdigit() and int(word) > 0 for word in words[1:]):
    print(f"usage: {os.path.basename(sys.argv[0])} PATH [SECONDS]", file=sys.stderr)
    sys.exit(64)
seconds = int(words[1]) if len(words) > 1 else 10
path = "\0" + words[0][1:] if words[0].startswith("@") else words[0]
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM):
    with socket.socket(socket.AF_UNIX, kind) as peer:
        # A full backlog, that of a process that hangs, holds up connect(2). Python's own time limits would not let it wait at all.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", seconds, 0))
        try:
            peer.connect(path)
            sys.exit(0)
        except OSError as error:
            if error.errno != errno.EPROTOTYPE or kind == socket.SOCK_DGRAM:
                why = f"no answer within {seconds} s" if error.errno == errno.EAGAIN else error.strerror
                sys.exit(f"{words[0]}: {why}")
