#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A file system that stops to answer, as a network mount does whose server is gone: one flat directory, read only, over FUSE.
usage: dead_mount.py MOUNT BACKING HUNG

What lies in the directory BACKING is shown at MOUNT, as root's. As long as a file HUNG is there, requests are taken and not answered: whoever
made one cannot even be killed. If "open" stands in it, files can still be found and opened. When it goes away all are answered. Prints a line when
the mount is there."""
import ctypes
import errno
import os
import select
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = \
    1, 2, 3, 14, 15, 18, 25, 26, 27, 28, 29, 36, 42
TO_OPEN = (LOOKUP, GETATTR, OPEN)
WITHOUT_ANSWER = (FORGET, INTERRUPT, BATCH_FORGET)
IN_HEADER, ROOT = "=IIQQIIII", 1
MS_NOSUID, MS_NODEV = 2, 4


class Directory:
    def __init__(self, backing):
        self.backing = backing
        self.paths = {ROOT: backing}

    def attributes(self, node):
        status = os.stat(self.paths[node])
        kind = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | status.st_mode & 0o7777
        time = int(status.st_mtime)
        return struct.pack("=6Q10I", node, status.st_size, 0, time, time, time, 0, 0, 0, kind, 1, 0, 0, 0, 4096, 0)

    def lookup(self, name):
        path = os.path.join(self.backing, name)
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, path)
        node = next((node for node, known in self.paths.items() if known == path), len(self.paths) + ROOT)
        self.paths[node] = path
        return struct.pack("=4Q2I", node, 0, 0, 0, 0, 0) + self.attributes(node)

    def read(self, node, offset, size):
        with open(self.paths[node], "rb") as file:
            file.seek(offset)
            return file.read(size)

    def answer(self, operation, node, body):
        """Nothing is to be kept by the kernel: every look comes here."""
        if operation == INIT:
            return struct.pack("=4I2H2I2H8I", 7, 31, 65536, 0, 16, 12, 65536, 1, 16, 0, *[0] * 8)
        if operation == LOOKUP:
            return self.lookup(os.fsdecode(body.rstrip(b"\0")))
        if operation == GETATTR:
            return struct.pack("=Q2I", 0, 0, 0) + self.attributes(node)
        if operation in (OPEN, OPENDIR):
            return struct.pack("=Q2I", 0, 0, 0)
        if operation == READ:
            return self.read(node, *struct.unpack_from("=QI", body, 8))
        if operation in (RELEASE, FLUSH, READDIR, RELEASEDIR):
            return b""
        raise OSError(errno.ENOSYS, "not built")


def reply(device, directory, request):
    _, operation, unique, node, *_ = struct.unpack_from(IN_HEADER, request)
    if operation in WITHOUT_ANSWER:
        return
    number, body = 0, b""
    try:
        body = directory.answer(operation, node, request[struct.calcsize(IN_HEADER):])
    except OSError as error:
        number = -error.errno
    try:
        os.write(device, struct.pack("=IiQ", 16 + len(body), number, unique) + body)
    except FileNotFoundError:
        pass        # nobody waits for it any more


def is_answered(request, hung):
    try:
        with open(hung, "rb") as file:
            return file.read() == b"open" and struct.unpack_from(IN_HEADER, request)[1] in TO_OPEN
    except FileNotFoundError:
        return True


def serve(device, directory, hung):
    held = []
    poll = select.poll()
    poll.register(device, select.POLLIN)
    while True:
        if poll.poll(20):
            held.append(os.read(device, 1 << 17))
        for request in [request for request in held if is_answered(request, hung)]:
            held.remove(request)
            reply(device, directory, request)


def main():
    mount, backing, hung = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40755,user_id=0,group_id=0,allow_other".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"dead", os.fsencode(mount), b"fuse", ctypes.c_ulong(MS_NOSUID | MS_NODEV), options):
        sys.exit(f"dead_mount.py: {os.strerror(ctypes.get_errno())}")
    print("mounted", flush=True)
    try:
        serve(device, Directory(backing), hung)
    except OSError as error:
        if error.errno != errno.ENODEV:     # unmounted
            raise


if __name__ == "__main__":
    main()
