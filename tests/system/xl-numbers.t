#!/bin/sh
# Guests in numbers: tests/system/xl/xl-numbers. `make many` and `make churn`
# are the long versions.
. "$(dirname "$0")/xl/host.sh"
mem=${MEM:-2048}
scenario "xl-numbers,${GUESTS:-16},${CYCLES:-10}" "${LIMIT:-1200}"
done_testing
