#!/bin/sh
# What our own command refuses, and what it leaves when killed: tests/system/xl/xeno-bad.
. "$(dirname "$0")/xl/host.sh"
scenario xeno-bad 1200
done_testing
