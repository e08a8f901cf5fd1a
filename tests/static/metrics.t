#!/bin/sh
# scripts/metrics as a test.
. "$(dirname "$0")/../system/lib.sh"

"$TOP/scripts/metrics" >"$tmp/result" 2>&1
status=$?
sed 's/^#* */# /' "$tmp/result"
ok $status "sizes are within the limits"
done_testing
