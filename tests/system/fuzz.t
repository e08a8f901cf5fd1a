#!/bin/sh
# A bounded run of every fuzzer; FUZZ_SECONDS each (default 10).
. "$(dirname "$0")/lib.sh"

[ -e "$TOP/tests/fuzz/Makefile" ] || skip_all "no fuzzers"
command -v clang >/dev/null || skip_all "clang is not installed"
check "every fuzzer, ${FUZZ_SECONDS:-10} s each" \
    make -s -C "$TOP/tests/fuzz" O="$O" smoke \
    SECONDS_EACH="${FUZZ_SECONDS:-10}"
done_testing
