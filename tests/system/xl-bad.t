#!/bin/sh
# What xl must refuse: tests/system/xl/xl-bad.
. "$(dirname "$0")/xl/host.sh"
scenario xl-bad 1200
done_testing
