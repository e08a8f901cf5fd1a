#!/bin/sh
# User programs in domain 0, and the same executable on the bare machine
# (checklist row 41): exceptions and signals (rows 45-47), privilege (44, 58,
# 87, 88), FPU state, clocks, debug registers, segments.
. "$(dirname "$0")/lib.sh"

for t in cpus clock fpu priv faults debugreg segments; do
    case $t in
    clock | fpu) arg=,8 ;;
    *) arg= ;;
    esac
    dom0_args="quiet xeno.test=$t$arg"
    boot_dom0 "domain 0: $t" -s 2 -t 240 -e "XENO-TEST $t PASS" --exit
    sed -n 's/\r$//; s/^not ok/# not ok/p' "$log"
    boot "bare machine: $t" --kernel "$K12" --initrd "$I12" -s 2 -t 240 \
        --args "console=ttyS0 $dom0_args" -e "XENO-TEST $t PASS" --exit
done
done_testing
