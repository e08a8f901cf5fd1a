#!/bin/sh
# The sample guest with a network: tests/system/xl/xl-mini-net.
. "$(dirname "$0")/xl/host.sh"
scenario xl-mini-net 900
done_testing
