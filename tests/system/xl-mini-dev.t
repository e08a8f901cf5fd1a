#!/bin/sh
# The sample guest's drivers: tests/system/xl/xl-mini-dev.
. "$(dirname "$0")/xl/host.sh"
scenario xl-mini-dev 900
done_testing
