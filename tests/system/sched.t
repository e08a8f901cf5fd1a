#!/bin/sh
# Under each scheduler: guests that only run and a domain 0 that works, see
# tests/system/xl/xl-load; and the test kernels under those that are not the
# default. Checklist row 90.
. "$(dirname "$0")/xl/host.sh"
export MAKEFLAGS=

overlay=$O/load.cpio
dom0_mem=896M
for policy in bvt:Borrowed atropos:Atropos rr:Round; do
    xen_args="sched=${policy%%:*} dom0_max_vcpus=3"
    boot_name=sched-${policy%%:*}
    scenario xl-load 600 2
    logged "... under ${policy%%:*}" "Scheduler: ${policy#*:}"
done

make -s --no-print-directory -C "$TOP/tests/guest" O="$O" all >&2
for name in atropos rr; do
    # The logs are not those of the guest tests proper.
    mkdir -p "$O/sched-$name/tests"
    ln -sfn "$O/tests/guest" "$O/sched-$name/tests/guest"
    check "$name: test kernels" env O="$O/sched-$name" HYPERVISOR="$XENO" \
        "$TOP/tests/guest/run-tests" -j 1 -a "sched=$name" sched-any sched-op \
        vcpus timer
done
done_testing
