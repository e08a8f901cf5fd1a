#!/bin/sh
# Guests that our own command made, and what it leaves when it refuses or is
# killed; guests in numbers: tests/system/xl/xeno-bad, xeno-life, xl-numbers.
. "$(dirname "$0")/xl/host.sh"
scenario xl-several,xeno-bad,xeno-life,xl-numbers:16:40 1800
done_testing
