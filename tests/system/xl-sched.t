#!/bin/sh
# Scheduler parameters and balancing from domain 0: tests/system/xl/xl-sched.
# Checklist rows 90, 95.
. "$(dirname "$0")/xl/host.sh"
scenario xl-sched 600 2
done_testing
