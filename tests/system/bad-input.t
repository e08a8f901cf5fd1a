#!/bin/sh
# What cannot be booted is refused with one line that names cause and value.
. "$(dirname "$0")/lib.sh"

# refused DESCRIPTION REGEX QEMU-RUN-OPTION...: a FATAL line that matches.
refused()
{
    desc=$1
    regex=$2
    shift 2
    boot "$desc" --xen "$XENO" --xen-args "$CONSOLE noreboot ${xen_args:-}" \
        --allow-fatal -r 'userland reached' -e "FATAL: .*($regex)" -t 60 "$@"
    [ "$(grep -c 'FATAL:' "$log")" = 1 ]
    ok $? "... with a single FATAL line"
}

refused "no modules at all" '[Mm]odule|kernel'

echo "this is no kernel" >"$tmp/text"
refused "a text file as the kernel" 'kernel|ELF|bzImage' --kernel "$tmp/text"

: >"$tmp/empty"
refused "an empty kernel" 'kernel|ELF|bzImage|module|size' \
    --kernel "$tmp/empty" --initrd "$I12"

head -c 2000000 "$K12" >"$tmp/short"
refused "a truncated kernel" '[0-9]' --kernel "$tmp/short" --initrd "$I12"

# 64 bytes overwritten in the middle of the compressed payload.
cp "$K12" "$tmp/corrupt"
printf '%064d' 0 | dd of="$tmp/corrupt" bs=1 seek=4000000 conv=notrunc \
    status=none
refused "a kernel with a damaged payload" 'payload|decompress|xz|corrupt|CRC' \
    --kernel "$tmp/corrupt" --initrd "$I12"

refused "an ELF program without Xen's notes" '[Nn]ote' \
    --kernel "$O/tests/dom0/dom0-tests" --initrd "$I12"

refused "a 32-bit ELF file" 'class|32|64' --kernel "$XENO" --initrd "$I12"

xen_args="dom0_mem=16M"
refused "a kernel larger than dom0's memory" '[0-9]' \
    --kernel "$K12" --args console=hvc0 --initrd "$I12"

xen_args="dom0_mem=100G"
refused "dom0_mem beyond the machine" 'dom0_mem|100|102400' \
    --kernel "$K12" --args console=hvc0 --initrd "$I12"
xen_args=

refused "a processor without 64-bit mode" 'CPU|processor|64' -c qemu32 \
    --kernel "$K12" --initrd "$I12"
refused "a processor without NX" 'NX|nx|[Ee]xecute' -c qemu64,-nx \
    --kernel "$K12" --initrd "$I12"

# The initrd is domain 0's own affair; the hypervisor reports its end.
head -c 1000000 "$I12" >"$tmp/initrd"
boot "a truncated initrd: domain 0's crash is reported" --xen "$XENO" \
    --xen-args "$CONSOLE noreboot" --kernel "$K12" --args "console=hvc0" \
    --initrd "$tmp/initrd" --allow-fatal -t 240 \
    -e 'Kernel panic - not syncing' -e '(dom|domain |d)0.*crash'
done_testing
