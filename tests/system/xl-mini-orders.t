#!/bin/sh
# The sample guest under orders: tests/system/xl/xl-mini-orders.
. "$(dirname "$0")/xl/host.sh"
scenario xl-mini-orders 1800
done_testing
