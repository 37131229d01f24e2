#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# conf/banken.conf names every key that does something, with its default as the code has it; the unit keeps what daemons need that outlive pcheck.
set -u
# shellcheck source=tests/docs/lib/report.sh
. "$(dirname "$0")/lib/report.sh"

# SECTION KEY, tab, DEFAULT of the sample, and of the code's table.
sample_keys() { sed -nE 's/^(\[[a-z]+\])$/\1/p; s/^#([a-z]+) = (.*)$/\1\t\2/p' "$1" | awk '/^\[/ { section = $1; next } { print section " " $0 }'; }
code_keys() { "${BANKEN_BUILD:-build/plain}/tests/print_schema" | sed -nE 's/^config\t(.*)\tRange: .* Default: (.*)\.$/\1\t\2/p'; }

differences() { diff <(sample_keys "$1" | sort) <(code_keys | sort) | grep '^[<>]'; }
report "conf/banken.conf has the keys and defaults of the code" "$(differences conf/banken.conf)"
report "a planted default is found" "$(differences <(sed 's/^#burst = .*/#burst = 1/' conf/banken.conf) >/dev/null || echo "not found")"

unit_faults() {
    local line text
    text=$(cat)
    for line in Type=notify KillMode=process OOMPolicy=continue Restart=on-failure 'RestartPreventExitStatus=1 64 66 69 78' LimitNOFILE=65536 \
        TasksMax=infinity; do
        grep -qxF "$line" <<<"$text" || echo "missing: $line"
    done
    grep -nE '^(Memory(Max|High)|CPUQuota|Private|Protect|Restrict|SystemCall|CapabilityBoundingSet|NoNewPrivileges|ReadOnly|Inaccessible)' <<<"$text"
}
unit=conf/pcheck@.service.in
report "the unit spares the daemons that pcheck started" "$(unit_faults <"$unit")"
for plant in 's/^KillMode=.*/KillMode=mixed/' 's/^TasksMax/#&/' 's/^Type/PrivateTmp=yes\n&/' 's/64 66/64/'; do
    report "a planted fault of the unit is found: $plant" "$([ -n "$(sed "$plant" "$unit" | unit_faults)" ] || echo "not found")"
done
exit "$bad"
