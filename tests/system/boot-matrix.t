#!/bin/sh
# Debian 12's kernel reaches userland on machines of many shapes. Every pair
# of memory size and processor count comes once; the processor models
# alternate. BOOTS=N makes it N boots, going round.
. "$(dirname "$0")/lib.sh"

dom0_args="quiet xeno.run=cat,/proc/cpuinfo,|,grep,-c,^processor"
n=0
while :; do
    for mem in 512 1024 8192; do
        for smp in 1 2 4; do
            if [ $((n % 2)) = 0 ]; then
                cpu=Haswell
            else
                cpu=qemu64,+rdtscp
            fi
            n=$((n + 1))
            boot_dom0 "$cpu, $mem MiB, $smp CPU(s)" -c $cpu -m $mem -s $smp \
                -t 240 -e "userland reached.* $smp CPU" -e "^$smp\$" \
                -e 'XENO-TEST run PASS' --exit
            [ "$n" != "${BOOTS:-9}" ] || break 3
        done
    done
done
done_testing
