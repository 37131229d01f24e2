#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Health check: does somebody take connections there? check_tcp.sh HOST PORT. In a pfile: check=/etc/banken/check_tcp.sh 127.0.0.1 5432
# It needs no time limit of its own: check_timeout ends it.

host=${1:?host expected} port=${2:?port expected}
if exec 3<>"/dev/tcp/$host/$port"; then
    exit 0
fi
exit 1
