#!/bin/sh
# Kernels as distributions ship them, under xl: tests/system/xl/xl-kernels.
. "$(dirname "$0")/xl/host.sh"
scenario xl-kernels 1200
done_testing
