#!/bin/sh
# The machine's clock under our own command: tests/system/xl/xeno-clock.
. "$(dirname "$0")/xl/host.sh"
dom0_args="clocksource=tsc tsc=reliable"
scenario xeno-clock 600
done_testing
