#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Executes a program to which the kernel refuses some system calls for good, as an old seccomp filter of a container does.
usage: deny.py ERRNO CALL[,CALL...] PROGRAM [ARG...]"""
import ctypes
import errno
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "campaign"))

from tracer import call_names       # noqa: E402

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_NUMBER, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06       # of classic BPF; the call's number stands at 0
RET_ERRNO, RET_ALLOW = 0x00050000, 0x7fff0000


def main():
    number = getattr(errno, sys.argv[1])
    numbers = {name: call for call, name in call_names().items()}
    calls = [numbers[name] for name in sys.argv[2].split(",")]
    program = [(LOAD_NUMBER, 0, 0, 0)]
    program += [(JUMP_IF_EQUAL, len(calls) - at, 0, call) for at, call in enumerate(calls)]     # to the last
    program += [(RETURN, 0, 0, RET_ALLOW), (RETURN, 0, 0, RET_ERRNO | number)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in program))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, filter_, 0, 0):
        sys.exit(f"deny.py: {os.strerror(ctypes.get_errno())}")
    os.execv(sys.argv[3], sys.argv[3:])


if __name__ == "__main__":
    main()
