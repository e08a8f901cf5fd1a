#!/bin/sh
# A scheduler that is not the project's own: it is linked in, boots, runs
# guests, and the tools see its parameter. Checklist row 94.

dir=$(cd "$(dirname "$0")" && pwd)
TOP=$(cd "$dir/../.." && pwd)
O=${O:-$TOP/build}
example=$O/tests/sched-example
case $O in /*) ;; *) echo "Bail out! O is not absolute"; exit 1 ;; esac

# Only the one file is compiled: the others are as they were.
rm -rf "$example"
mkdir -p "$example/tests" "$example/logs"
make -s --no-print-directory -C "$TOP" O="$O" all >&2
cp -a "$O/obj" "$O/gen" "$example"
if ! make -s --no-print-directory -C "$TOP" O="$example" \
    EXTRA=tests/sched-example/lottery.c >&2; then
    echo "Bail out! the example does not compile"
    exit 1
fi
make -s --no-print-directory -C "$TOP/tests/guest" O="$O" >&2
ln -sfn "$O/tests/guest" "$example/tests/guest"

count=0
ok()
{
    count=$((count + 1))
    if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; fi
}

O=$example "$TOP/tests/guest/run-tests" -j 1 -a sched=lottery \
    sched-any sched-op vcpus domain-control >"$example/out" 2>&1
ok $? "guests run under it"
grep -v '^ok' "$example/out" | sed 's/^/# /'
grep -q 'Scheduler: Lottery (lottery)' "$example/logs/guest-sched-op.log"
ok $? "the log names it"
grep -q 'parameter tickets' "$example/logs/guest-sched-any.log"
ok $? "the tools are told of its parameter"
echo "1..$count"
