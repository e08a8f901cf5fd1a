#!/bin/sh
# An NTP daemon in domain 0 keeps the machine's time: tests/system/xl/xl-chrony.
# Checklist rows 51 and 103.
. "$(dirname "$0")/xl/host.sh"
overlay=$O/chrony.cpio
dom0_args="clocksource=tsc tsc=reliable"
counted=1
scenario xl-chrony 1800
done_testing
