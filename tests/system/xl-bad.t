#!/bin/sh
# What xl must refuse: tests/system/xl/xl-bad.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xl-bad 2400
done_testing
