#!/bin/sh
# Every command of stock xl: tests/system/xl/xl-commands.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xl-commands 3600 2
done_testing
