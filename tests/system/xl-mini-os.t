#!/bin/sh
# The sample guest as domU: tests/system/xl/xl-mini-os.
. "$(dirname "$0")/xl/host.sh"
scenario xl-mini-os 900

# The self-test under stock Xen, too, by either tool.
if "$TOP/scripts/fetch" xen >/dev/null 2>&1; then
    HYPERVISOR=stock
    XENO=$O/xen-4.17/xen
    scenario xl-mini-os,self-test 900
else
    skip "on stock Xen" "not to be had here"
fi
done_testing
