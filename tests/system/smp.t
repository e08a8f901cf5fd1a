#!/bin/sh
# All processors are started (or as few as asked for), and domain 0's run on
# them. Checklist row 17.
. "$(dirname "$0")/lib.sh"

dom0_args="quiet xeno.test=cpus,4"
boot_dom0 "4 processors, 4 vCPUs" -s 4 -t 240 -e 'CPUs online: 4' \
    -e 'XENO-TEST cpus PASS' --exit

dom0_args="quiet xeno.test=cpus,1"
xen_args="nosmp"
boot_dom0 "nosmp: one of 4" -s 4 -t 240 -e 'CPUs online: 1' \
    -e 'XENO-TEST cpus PASS' --exit

dom0_args="quiet xeno.test=cpus,2"
xen_args="maxcpus=2"
boot_dom0 "maxcpus=2: two of 4" -s 4 -t 240 -e 'CPUs online: 2' \
    -e 'XENO-TEST cpus PASS' --exit

xen_args="noht"
boot_dom0 "noht: two threads of 4" -s 4,sockets=1,cores=2,threads=2 -t 240 \
    -e 'CPUs online: 2' -e 'XENO-TEST cpus PASS' --exit

dom0_args="quiet xeno.test=cpus,3"
xen_args="dom0_max_vcpus=3"
boot_dom0 "dom0_max_vcpus=3 on 2 processors" -s 2 -t 240 \
    -e 'CPUs online: 2' -e 'XENO-TEST cpus PASS' --exit
done_testing
