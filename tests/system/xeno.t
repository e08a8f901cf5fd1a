#!/bin/sh
# Guests under our own command: tests/system/xl/xl-xeno.
. "$(dirname "$0")/xl/host.sh"
scenario xl-xeno 1200
done_testing
