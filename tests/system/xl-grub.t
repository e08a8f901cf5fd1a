#!/bin/sh
# GRUB as a guest, and guests in numbers: tests/system/xl/xl-grub.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xl-grub 2400
done_testing
