#!/bin/sh
# What `make run` leaves the user in: domain 0's shell, two guests that run
# already, and commands to try that do what the message of the day says.
. "$(dirname "$0")/lib.sh"

command -v qemu-system-x86_64 >/dev/null || skip_all "no QEMU"
"$TOP/scripts/qemu-run" -n demo --xen "$XENO" \
    --xen-args "$CONSOLE guest_loglvl=warning dom0_mem=768M" \
    --kernel "$O/guests/vmlinux-12" \
    --args "console=hvc0 quiet xeno.guest=demo,mini-os" \
    --initrd "$O/dom0-xl.cpio" -m 2048 -s 2 -t 600 \
    -e 'demo, a Debian kernel, and mini-os' \
    --send 'dom0:.*# =>xeno list' \
    -e '^Domain-0 ' -e '^demo  *[0-9]+  *128 ' -e '^mini-os  *[0-9]+  *1 ' \
    --send 'dom0:.*# =>xeno console mini-os' \
    --send 'console mini-os=>' --send 'mini-os> =>help' \
    --send 'threads=>\x1d' \
    --send 'dom0:.*# =>while ! ping -c 1 -W 1 192.168.77.2; do :; done' \
    --send '^64 bytes from 192.168.77.2=>' \
    --send 'dom0:.*# =>xeno console demo' \
    --send 'console demo=>' --send 'demo:.*# =>echo a""b' \
    --send '^ab=>\x1d' \
    --send 'dom0:.*# =>xeno top' --send 'VCPUS=>q' \
    --send 'dom0:.*# =>poweroff' --exit >"$tmp/out"
ok $? "the five commands of the message of the day"
cat "$tmp/out"
done_testing
