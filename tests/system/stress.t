#!/bin/sh
# Storms of page-table work in domain 0 on the build with assertions. When
# domain 0 ends, the hypervisor counts every frame again from the page tables
# and compares.
. "$(dirname "$0")/lib.sh"

seconds=${STRESS_SECONDS:-60}
XENO=$O/debug/xeno
[ -e "$XENO" ] || skip_all "no debug build"
dom0_args="quiet xeno.test=stress,$seconds"
boot_dom0 "stress, $seconds s on 2 vCPUs" -s 2 -m 1024 -t $((seconds * 2 + 300)) \
    -e 'XENO-TEST stress PASS' -e 'AUDIT: ok' --exit
sed -n 's/\r$//; s/^not ok/# &/p; s/^ok/# &/p' "$log"
done_testing
