#!/bin/sh
# A guest's processors and memory under stock xl: tests/system/xl/xl-shape.
. "$(dirname "$0")/xl/host.sh"
scenario xl-shape 1200 2
done_testing
