#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Check: is the certificate of a TLS server good for some more days? Needs openssl. Best as deepCheck, or in a cmdline resource with MONITORONLY=Yes: to
# start the server anew brings no new certificate.
# usage: check_tls_expiry.sh HOST PORT [DAYS [SECONDS]]
# 0: for at least DAYS, 14 by default (Online). 1: not so long, or no certificate within SECONDS, 10 by default (Offline). 64: wrong arguments, or no openssl.
# What a generic resource appends (-t TAG -i ID) is passed over. Who has signed it is not judged.
#     deepCheck = /etc/banken/check_tls_expiry.sh www.example.com 443 21

words=()
for word; do
    case $word in -*) break ;; esac
    words+=("$word")
done
set -- "${words[@]}"
host=${1-} port=${2-} days=${3-14} seconds=${4-10}
if [ "$#" -lt 2 ] || [ "$#" -gt 4 ] || [[ ! $port =~ ^[0-9]+$ || ! $days =~ ^[0-9]{1,5}$ || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: ${0##*/} HOST PORT [DAYS [SECONDS]]" >&2
    exit 64
fi
if ! command -v openssl >/dev/null; then
    echo "openssl is not installed" >&2
    exit 64
fi
case $host in *:*) host="[$host]" ;; esac
certificate=$(timeout -k 1 "$seconds" openssl s_client -connect "$host:$port" </dev/null 2>/dev/null)
if ! end=$(openssl x509 -noout -enddate <<<"$certificate" 2>/dev/null); then
    echo "no certificate from $host:$port within $seconds s" >&2
    exit 1
fi
if ! openssl x509 -noout -checkend $((10#$days * 86400)) <<<"$certificate" >/dev/null; then
    echo "the certificate of $host:$port is good until ${end#*=} only" >&2
    exit 1
fi
exit 0
