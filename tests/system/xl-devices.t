#!/bin/sh
# Split drivers under stock xl: tests/system/xl/xl-devices.
. "$(dirname "$0")/xl/host.sh"
scenario xl-devices 1200
done_testing
