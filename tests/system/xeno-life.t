#!/bin/sh
# A guest's life under our own command, beside xl: tests/system/xl/xeno-life.
. "$(dirname "$0")/xl/host.sh"
scenario xeno-life 1200
done_testing
