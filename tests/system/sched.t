#!/bin/sh
# Domain 0 and the test kernels under each scheduler that is not the default.
# Checklist row 90.
. "$(dirname "$0")/lib.sh"
export MAKEFLAGS=

make -s --no-print-directory -C "$TOP/tests/guest" O="$O" all >&2
for policy in atropos:Atropos "rr:Round robin"; do
    name=${policy%%:*}
    xen_args="sched=$name"
    dom0_args="quiet xeno.test=cpus,3"
    xen_args="$xen_args dom0_max_vcpus=3"
    boot_dom0 "$name: Debian's kernel with 3 vCPUs on 2 processors" -s 2 \
        -t 240 -e "Scheduler: ${policy#*:} \($name\)" \
        -e 'XENO-TEST cpus PASS' --exit
    # The logs are not those of the guest tests proper.
    mkdir -p "$O/sched-$name/tests"
    ln -sfn "$O/tests/guest" "$O/sched-$name/tests/guest"
    check "$name: test kernels" env O="$O/sched-$name" HYPERVISOR="$XENO" \
        "$TOP/tests/guest/run-tests" -j 1 -a "sched=$name" sched-any sched-op \
        vcpus timer
done
done_testing
