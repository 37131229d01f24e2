#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Check: does somebody take TCP connections there?
# usage: check_tcp.sh HOST PORT [SECONDS]
# 0: yes (Online). 1: no, or not within SECONDS, 10 by default (Offline). 64: wrong arguments. What a generic resource appends (-t TAG -i ID) is passed over.
#     check=/etc/banken/check_tcp.sh 127.0.0.1 5432            in a pfile
#     quickCheck = /etc/banken/check_tcp.sh 127.0.0.1 5432     in a definition file; check = ... likewise

words=()
for word; do
    case $word in -*) break ;; esac
    words+=("$word")
done
set -- "${words[@]}"
host=${1-} port=${2-} seconds=${3-10}
if [ "$#" -lt 2 ] || [ "$#" -gt 3 ] || [[ ! $port =~ ^[0-9]+$ || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: ${0##*/} HOST PORT [SECONDS]" >&2
    exit 64
fi
# shellcheck disable=SC2016
timeout -k 1 "$seconds" bash -c 'exec 3<>"/dev/tcp/$1/$2"' check_tcp "$host" "$port" && exit 0
if [ "$?" = 124 ]; then echo "no answer from $host port $port within $seconds s" >&2; fi
exit 1
