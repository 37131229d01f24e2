#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Check: does a web server answer with good news? Needs curl.
# usage: check_http.sh URL [SECONDS [TEXT]]
# 0: a status below 400, and TEXT, if given, is in what it sends (Online). 1: another answer, or none within SECONDS, 10 by default (Offline).
# 64: wrong arguments, or no curl. What a generic resource appends (-t TAG -i ID) is passed over.
# A certificate is not judged, since a server is best asked by its address: see check_tls_expiry.sh. No redirection is followed.
#     quickCheck = /etc/banken/check_http.sh http://127.0.0.1:8080/health
#     deepCheck = /etc/banken/check_http.sh https://127.0.0.1/status 20 "database: ok"

words=()
for word; do
    case $word in -*) break ;; esac
    words+=("$word")
done
set -- "${words[@]}"
url=${1-} seconds=${2-10} text=${3-}
if [ "$#" -lt 1 ] || [ "$#" -gt 3 ] || [[ ! $url =~ ^https?:// || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: ${0##*/} URL [SECONDS [TEXT]]" >&2
    exit 64
fi
if ! command -v curl >/dev/null; then
    echo "curl is not installed" >&2
    exit 64
fi
# -q: no .curlrc. The limit holds for all of it, the name server included.
ask() { curl -q --fail --silent --show-error --insecure --noproxy '*' --max-time "$seconds" --max-filesize 10000000 --url "$url"; }
if [ -z "$text" ]; then
    ask >/dev/null || exit 1
elif ! ask | grep -F -- "$text" >/dev/null; then # not -q: it would end ahead of curl, which would complain
    echo "$url does not say: $text" >&2
    exit 1
fi
exit 0
