#!/bin/sh
# Guests in numbers: tests/system/xl/xl-numbers. It takes long: `make many`
# and `make churn` run it, `make check` does not.
. "$(dirname "$0")/xl/host.sh"
[ -n "${GUESTS:-}${CYCLES:-}" ] || skip_all "make many and make churn run it"
mem=${MEM:-2048}
scenario "xl-numbers,${GUESTS:-16},${CYCLES:-10}" "${LIMIT:-1200}"
done_testing
