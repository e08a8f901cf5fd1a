#!/bin/sh
# The scheduling policies in simulated time: see tests/sim/machine.h.

dir=$(cd "$(dirname "$0")" && pwd)
O=${O:-$dir/../../build}
if ! make -s --no-print-directory -C "$dir" O="$O" >&2; then
    echo "Bail out! the simulator does not compile"
    exit 1
fi
exec "$O/tests/sim/sim" "$@"
