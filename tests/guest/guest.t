#!/bin/sh
# The test kernels, each booted as domain 0: see run-tests.

dir=$(cd "$(dirname "$0")" && pwd)
O=${O:-$dir/../../build}
export O MAKEFLAGS= # else TESTS= of a make above would be taken for ours
if ! make -s --no-print-directory -C "$dir" O="$O" all >&2; then
    echo "Bail out! the test kernels do not compile"
    exit 1
fi
exec "$dir/run-tests" -j "${GUEST_JOBS:-2}"
