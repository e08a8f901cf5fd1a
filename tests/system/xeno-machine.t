#!/bin/sh
# The machine's clock and trace under our own command: tests/system/xl/xeno-machine.
. "$(dirname "$0")/xl/host.sh"
dom0_args="clocksource=tsc tsc=reliable"
scenario xeno-machine 600
done_testing
