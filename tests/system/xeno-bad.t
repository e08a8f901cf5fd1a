#!/bin/sh
# What our own command refuses, what it leaves when it is killed, and guests in
# numbers, in one boot: tests/system/xl/xeno-bad, xl-numbers.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xl-several,xeno-bad,xl-numbers:16:30 1800
done_testing
