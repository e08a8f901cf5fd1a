#!/bin/sh
# GRUB loads the hypervisor from a CD: by multiboot 1 and 2 under BIOS, by
# multiboot 2 under UEFI. The first word of each command line matters: some
# loaders put the file's name there and GRUB does not.
. "$(dirname "$0")/lib.sh"

for protocol in 1 2; do
    "$TOP/scripts/mkgrub" -p $protocol -o "$tmp/$protocol.iso" -x "$XENO" \
        -a "unknown_first_word $CONSOLE" -k "$K12" \
        -c "xeno.run=uname,-s quiet console=hvc0" -i "$I12" \
        >"$tmp/out" 2>&1 || sed 's/^/# /' "$tmp/out"
    boot "BIOS, multiboot $protocol" --iso "$tmp/$protocol.iso" -t 240 \
        -e 'unknown_first_word' -e 'userland reached.* on Xen' -e '^Linux' \
        -e 'XENO-TEST run PASS' --exit
done
boot "UEFI, multiboot 2" --uefi --iso "$tmp/2.iso" -t 300 -m 2048 -s 2 \
        -e 'unknown_first_word' -e 'userland reached.* on Xen' -e '^Linux' \
        -e 'XENO-TEST run PASS' --exit
done_testing
