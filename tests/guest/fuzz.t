#!/bin/sh
# The hypercall fuzzer on the debug build: FUZZ_SEEDS (default "1 2"), half a
# minute each (FUZZ_SECONDS). `make fuzz-guest SECONDS=n SEED=n` for longer.

dir=$(cd "$(dirname "$0")" && pwd)
O=${O:-$dir/../../build}
export O MAKEFLAGS= # TESTS= of a make above is not for ours
seeds=${FUZZ_SEEDS:-1 2}

if [ ! -e "${HYPERVISOR:-$O/debug/xeno}" ]; then
    echo "1..0 # SKIP no debug build"
    exit 0
fi
if ! make -s --no-print-directory -C "$dir" O="$O" fuzzer >&2; then
    echo "Bail out! the fuzzer does not compile"
    exit 1
fi
# shellcheck disable=SC2086
set -- $seeds
echo "1..$#"
n=0
for seed in "$@"; do
    n=$((n + 1))
    if out=$("$dir/fuzz/run" -s "${FUZZ_SECONDS:-30}" -S "$seed"); then
        echo "ok $n - $out"
    else
        echo "$out" | sed 's/^/# /'
        echo "not ok $n - hypercall fuzzer, seed $seed"
    fi
done
