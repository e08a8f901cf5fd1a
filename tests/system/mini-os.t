#!/bin/sh
# The sample guest, one file: on the bare machine, as domain 0 of ours and of
# stock Xen. Checklist rows 20-30 and 36. As domU: xl-mini-os.t.
. "$(dirname "$0")/lib.sh"
export MAKEFLAGS=
src=$TOP/guests/mini-os
image=$O/mini-os/mini-os

for cc in gcc clang; do
    if ! command -v $cc >/dev/null; then
        skip "$cc" "not installed"
        continue
    fi
    make -C "$src" CC=$cc O="$tmp/$cc" >"$tmp/log" 2>&1
    ok $? "$cc builds it with the strict flags"
    ! grep -i warning "$tmp/log"
    ok $? "... without a warning"
    check "its header is C89 for $cc" $cc -std=c89 -pedantic-errors -Wall \
        -Wcast-qual -Wredundant-decls -Wnested-externs -Wstrict-prototypes \
        -Wpointer-arith -Winline -Werror -fsyntax-only -x c \
        "$src/include/mini-os.h"
done
check "the image" make -s -C "$src" O="$O" CC="${CC:-gcc}"
[ "$(stat -c %s "$image")" -lt 524288 ]
ok $? "the image is smaller than 512 KiB"

# native NAME COMMAND-LINE REGEX...: on the bare machine, which then halts.
native()
{
    log=$O/logs/$test_name-$1.log
    args=$2
    shift 2
    timeout 60 qemu-system-x86_64 -accel tcg -cpu Haswell -m 64 -nodefaults \
        -display none -monitor none -no-reboot -serial "file:$log" \
        -kernel "$image" -append "$args" 2>/dev/null &
    qemu=$!
    for want in "$@"; do
        for _ in $(seq 120); do
            grep -Eq "$want" "$log" 2>/dev/null && break
            sleep 0.5
        done
        logged "native, $args: $want" "$want"
    done
    kill $qemu 2>/dev/null
    wait $qemu 2>/dev/null
}

mkdir -p "$O/logs"
rm -f "$O/logs/$test_name"-*.log
native self "app=self-test" '^TEST SUCCESS: mini-os on the bare machine' \
    '^# site: fa '
native hello "" '^Hello from mini-os on the bare machine'
native unknown "ident=0x1234" 'no operations for hypervisor ident 0x1234'
! grep -q Hello "$log"
ok $? "... and it went no further"
native sample "ident=0x706d6173" "^the sample hypervisor's init ran" \
    '^Hello from mini-os on the sample hypervisor'
native sample-self "ident=0x706d6173 app=self-test" \
    '^TEST SUCCESS: mini-os on the sample hypervisor'
for fault in write:14 jump:14 opcode:6 divide:0 address:13; do
    native "${fault%:*}" "app=faults fault=${fault%:*}" \
        "vector ${fault#*:}\)" '^rip [0-9a-f]{16}'
done
native memhog "app=memhog" '^memhog: took [1-9][0-9]* pages, 0 left'

# as_dom0 NAME HYPERVISOR: the same file.
as_dom0()
{
    boot "as domain 0 of $1" --xen "$2" --xen-args "$CONSOLE" \
        --kernel "$image" --args "app=self-test" -t 120 \
        -e "# site: c6 04 25" \
        -e "TEST SUCCESS: mini-os on Xen's PV interface"
}
as_dom0 ours "$XENO"
if "$TOP/scripts/fetch" xen >/dev/null 2>&1; then
    as_dom0 "stock Xen" "$O/xen-4.17/xen"
else
    skip "as domain 0 of stock Xen" "not to be had here"
fi
done_testing
