#!/bin/sh
# A guest's life under stock xl: tests/system/xl/xl-life.
. "$(dirname "$0")/xl/host.sh"
scenario xl-life 1200 2
done_testing
