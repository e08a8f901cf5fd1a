#!/bin/sh
# What a person does at the shell: look round, interrupt a command, switch
# off, restart. Switching off ends QEMU through ACPI; a reset ends it because
# it was told so.
. "$(dirname "$0")/lib.sh"

prompt='dom0:.*# $'
boot_dom0 "shell with job control; poweroff switches the machine off" \
    -t 240 -s 2 -e 'userland reached' \
    --send "$prompt=>uname -a; ls /proc/xen /sys/hypervisor/version; echo g\"\"o; sleep 1000" \
    --send '^go$=>\x03' \
    --send "$prompt=>echo interrupted \$?; dmesg | grep -c Xen; tty" \
    --send "$prompt=>poweroff" \
    -e 'Linux dom0 .*x86_64' -e 'capabilities' -e 'extra.*major.*minor' \
    -e '^interrupted 130' -e '^[1-9]' -e '/dev/hvc0' \
    -e 'going down NOW' --exit
boot_dom0 "reboot restarts the machine" -t 240 -e 'userland reached' \
    --send "$prompt=>reboot" -e 'going down NOW' --exit

# The same without ending QEMU: the machine must come up again.
dom0_args="quiet xeno.run=true xeno.then=reboot"
boot_dom0 "a restarted machine boots again" --reset -t 300 \
    -e 'userland reached' -e 'XENO-TEST run PASS' -e 'userland reached' \
    -e 'XENO-TEST run PASS'
done_testing
