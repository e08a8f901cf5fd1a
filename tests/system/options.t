#!/bin/sh
# Boot options: a bad one is named in the log and otherwise ignored; good ones
# do what they say.
. "$(dirname "$0")/lib.sh"

dom0_args="quiet xeno.run=head,-n1,/proc/meminfo"
xen_args="frobnicate=7 maxcpus=lots dom0_max_vcpus=1 sched=nosuch \
xpti=no,dom0=perhaps tsc=maybe tsc_khz=7"
boot_dom0 "boots in spite of bad options" -s 2 -t 240 -e 'userland reached' \
    -e 'XENO-TEST run PASS' --exit
logged "an unknown option is named" 'WARNING: option .*frobnicate'
logged "a malformed number is named" 'WARNING: option .*maxcpus.*lots'
logged "an unknown scheduler is named" 'WARNING: option .*sched.*nosuch'
logged "... and the default is used" 'Scheduler: .* \(bvt\)'
logged "an item of a list is named" 'WARNING: option .*xpti.*perhaps'
logged "an unknown word for the TSC is named" 'WARNING: option tsc:.*maybe'
logged "a rate that no TSC has is named" 'WARNING: option tsc_khz: 7 '
logged "dom0_max_vcpus=1 holds" 'userland reached.* 1 CPU'

xen_args="dom0_mem=300M xpti=no,domu"
boot_dom0 "boots with dom0_mem=300M" -m 2048 -t 240 -e 'userland reached' \
    -e 'MemTotal:' -e 'XENO-TEST run PASS' --exit
logged "xpti=no,domu is split by kind" 'XPTI: dom0 disabled, domU enabled'
kib=$(sed -n 's/^MemTotal: *\([0-9]*\) kB.*/\1/p' "$log" | tail -n 1)
[ "${kib:-0}" -gt 120000 ] && [ "${kib:-0}" -lt 307200 ]
ok $? "dom0 has 300 MiB less what its kernel takes: ${kib:-?} KiB"
done_testing
