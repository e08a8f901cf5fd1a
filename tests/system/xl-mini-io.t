#!/bin/sh
# The sample guest's drivers: tests/system/xl/xl-mini-io.
. "$(dirname "$0")/xl/host.sh"
scenario xl-mini-io 1800
done_testing
