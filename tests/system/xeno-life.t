#!/bin/sh
# Ends of guests that our own command made, and their devices:
# tests/system/xl/xeno-life.
. "$(dirname "$0")/xl/host.sh"
counted=1
scenario xeno-life 1800
done_testing
