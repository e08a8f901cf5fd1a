#!/bin/sh
# The sample guest, one file: on the bare machine, as domain 0 of ours and of
# stock Xen. Checklist rows 20-30 and 36-38. As domU: xl-mini-os.t.
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
    for header in "$src"/include/*.h "$TOP"/include/xeno/*.h; do
        check "${header#"$TOP"/} is C89 for $cc" $cc -std=c89 -pedantic-errors \
            -Wall -Wcast-qual -Wredundant-decls -Wnested-externs \
            -Wstrict-prototypes -Wpointer-arith -Winline -Werror \
            -I "$src/include" -include stdint.h -D__XEN_TOOLS__ \
            -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ \
            -fsyntax-only -x c "$header"
    done
done
check "the image" make -s -C "$src" O="$O" CC="${CC:-gcc}"
[ "$(stat -c %s "$image")" -lt 524288 ]
ok $? "the image is smaller than 512 KiB"

# Flushes go without CR3: only the entries load it, before paravirt_start.
objdump -d --no-show-raw-insn "$image" | awk '
    /^[0-9a-f]+ <.*>:$/ { where = $2 }
    /,%cr3$/ { print where }' | sort -u >"$tmp/cr3"
printf '<ap_begin>:\n<native_start>:\n' | cmp - "$tmp/cr3"
ok $? "only the entries write CR3"

# native NAME COMMAND-LINE REGEX...: on the bare machine, which then halts.
native()
{
    log=$O/logs/$test_name-$1.log
    args=$2
    shift 2
    timeout 300 qemu-system-x86_64 -accel tcg -cpu Haswell -m "${mem:-64M}" -nodefaults \
        -display none -monitor none -no-reboot -serial "file:$log" \
        -smp "${smp:-1}" -kernel "${kernel:-$image}" -append "$args" 2>/dev/null &
    qemu=$!
    for want in "$@"; do
        for _ in $(seq 480); do
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
smp=2 native self-2 "app=self-test" '^# processor 1 sees a new mapping after' \
    '^TEST SUCCESS: mini-os on the bare machine'
native hello "" '^Hello from mini-os on the bare machine'
native unknown "ident=0x1234" 'no operations for hypervisor ident 0x1234'
! grep -q Hello "$log"
ok $? "... and it went no further"
native sample "ident=0x706d6173" "^the sample hypervisor's init ran" \
    '^Hello from mini-os on the sample hypervisor'
native sample-self "ident=0x706d6173 app=self-test" \
    '^TEST SUCCESS: mini-os on the sample hypervisor'
for fault in write:14 jump:14 opcode:6 divide:0 address:13 selector:13 \
    interrupt:13 breakpoint:3 read-only:14; do
    native "${fault%:*}" "app=faults fault=${fault%:*}" \
        "vector ${fault#*:}\)" '^rip [0-9a-f]{16}'
done
native memhog "app=memhog" '^memhog: took [1-9][0-9]* pages, 0 left' \
    '^memhog: gave [1-9][0-9]* pages back'
native spin "app=spin arg=1" '^spin: second 1, [0-9]+% of it ran$'
native user "app=user" '^user: a greeting: gave 42' \
    '^user: a write to the kernel: ended by vector 14'
mem=2304K native small "" '^mini-os stops: too little memory: 0 pages are free'
native no-disk "app=blkbench" '^blkbench: .*(no|not) '

# With lwIP, whose source is fetched.
if "$TOP/scripts/fetch" lwip >/dev/null 2>&1; then
    check "the image with a network" make -s -C "$src" O="$O" CC="${CC:-gcc}" net
    kernel=$O/mini-os/mini-os-net native net "app=net-test" \
        '^# bad frames leave nothing behind: yes' \
        '^TEST SUCCESS: mini-os on the bare machine'
    kernel=$O/mini-os/mini-os-net native net-hello "" '^Hello from mini-os on'
else
    skip "the image with a network" "lwIP's source is not to be had here"
fi

# From the entry to the greeting by an emulator that counts instructions: in
# domain 0 with the hypervisor's part. As domU: bench/create.
for where in "the bare machine" "Xen's PV interface"; do
    case $where in
    the*) cycles=$("$TOP/bench/mini-os/hello" "$image") ;;
    *) cycles=$("$TOP/bench/mini-os/hello" "$image" "$XENO" "$CONSOLE") ;;
    esac
    echo "# $cycles instructions from its entry to hello on $where"
    [ "${cycles:-9999999}" -lt 1000000 ]
    ok $? "... are fewer than a million"
done

# Lines typed at its shell, on the serial port and by console_io.
boot "the shell on the bare machine" --kernel "$image" --args app=shell \
    -m 64 -t 120 --send "mini-os> =>mem" --send "mini-os> =>threads" \
    -e "^pages [0-9]+ free, heap [0-9]+ bytes free" -e "^idle  *on 0"
boot "the shell as domain 0" --xen "$XENO" --xen-args "$CONSOLE" \
    --kernel "$image" --args app=shell -t 120 --send "mini-os> =>mem" \
    --send "mini-os> =>threads" -e "^pages [0-9]+ free, heap [0-9]+ bytes free" \
    -e "^idle  *on 0"

# Without notes a builder finds what it needs in the section __xen_guest.
check "a copy without notes" objcopy --remove-section .note "$image" \
    "$tmp/no-notes"
boot "... boots by its __xen_guest section" --xen "$XENO" \
    --xen-args "$CONSOLE" --kernel "$tmp/no-notes" -t 120 \
    -e "^Hello from mini-os on Xen's PV interface"

# as_dom0 NAME HYPERVISOR: the same file.
as_dom0()
{
    boot "as domain 0 of $1" --xen "$2" --xen-args "$CONSOLE" \
        --kernel "$image" --args "app=self-test" -t 120 -s 2 \
        -e "# site: 65 c6 04 25" \
        -e "# the TSS costs no hypercall: yes" \
        -e "# processor 1 sees a new mapping after its flush: yes" \
        -e "TEST SUCCESS: mini-os on Xen's PV interface"
}
as_dom0 ours "$XENO"
if "$TOP/scripts/fetch" xen >/dev/null 2>&1; then
    as_dom0 "stock Xen" "$O/xen-4.17/xen"
else
    skip "as domain 0 of stock Xen" "not to be had here"
fi
done_testing
