#!/bin/sh
# The sample guest as domU: tests/system/xl/xl-mini-os.
. "$(dirname "$0")/xl/host.sh"
scenario xl-mini-os 900
done_testing
