#!/bin/sh
# scripts/layer-check as a test.
. "$(dirname "$0")/../system/lib.sh"

"$TOP/scripts/layer-check" >"$tmp/result" 2>&1
status=$?
sed 's/^#* */# /' "$tmp/result"
ok $status "files include only rooms below"
done_testing
