#!/bin/sh
# Split drivers under stock xl: tests/system/xl/xl-devices.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xl-devices 3600
done_testing
