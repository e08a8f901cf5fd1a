#!/bin/sh
# The sample guest's devices: tests/system/xl/xl-mini-io and xl-mini-net.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xl-several,xl-mini-io,xl-mini-net 3600
done_testing
