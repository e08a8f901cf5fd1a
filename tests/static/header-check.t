#!/bin/sh
# scripts/header-check as a test.
. "$(dirname "$0")/../system/lib.sh"

"$TOP/scripts/header-check" >"$tmp/result" 2>&1
status=$?
sed 's/^#* */# /' "$tmp/result"
ok $status "headers compile alone"
done_testing
