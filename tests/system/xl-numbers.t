#!/bin/sh
# Guests in great numbers: tests/system/xl/xl-numbers. `make many` and
# `make churn` run it; xeno-bad.t has small ones.
. "$(dirname "$0")/xl/host.sh"
[ -n "${GUESTS:-}${CYCLES:-}" ] || skip_all "make many and make churn run it"
mem=${MEM:-2048}
counted=1
scenario "xl-numbers,${GUESTS:-16},${CYCLES:-10}" "${LIMIT:-1200}"
done_testing
