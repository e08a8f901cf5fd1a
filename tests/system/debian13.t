#!/bin/sh
# Debian 13's 6.12 kernel, a bzImage with a zstd payload.
. "$(dirname "$0")/lib.sh"

for smp in 1 2; do
    boot "6.12 kernel, $smp CPU(s)" --xen "$XENO" --xen-args "$CONSOLE" \
        --kernel "$K13" --args "console=hvc0 quiet xeno.run=uname,-r" \
        --initrd "$I13" -s $smp -m 1024 -t 240 \
        -e "userland reached: Linux 6\.1[0-9].* on Xen" -e '^6\.1[0-9]' \
        -e 'XENO-TEST run PASS' --exit
done
done_testing
