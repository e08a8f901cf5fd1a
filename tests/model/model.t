#!/bin/sh
# The Promela model of page types: all states of the protocol as it is, and of
# each broken one, in which spin must find the failure.
#
#   MODEL_OPS=n   operations of each CPU in the sound ones (default 3; 4 takes
#                 some gigabytes)

dir=$(cd "$(dirname "$0")" && pwd)
model=$dir/page_type.pml
CC=${CC:-gcc}
near_wrap="-DCLOCK_START=14"
count=0

if ! command -v spin >/dev/null; then
    echo "1..0 # SKIP spin is not installed"
    exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
cd "$tmp" || exit 1

# verify DEFINITION...: $tmp/out tells; states in $states, errors in $errors.
verify()
{
    rm -f pan* ./*.trail
    spin -a "$@" "$model" >out 2>&1 &&
        "$CC" -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c >>out 2>&1 &&
        ./pan -m1000000 >>out 2>&1
    errors=$(sed -n 's/.*errors: \([0-9]*\)$/\1/p' out)
    states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' out)
    grep -q 'Search not completed\|max search depth too small' out &&
        complete=no || complete=yes
}

# result STATUS DESCRIPTION
result()
{
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        sed 's/^/# /' out | head -n 30
        echo "not ok $count - $2"
    fi
}

# sound DESCRIPTION DEFINITION...
sound()
{
    what=$1
    shift
    verify -DOPS="${MODEL_OPS:-3}" "$@"
    [ "$errors" = 0 ] && [ $complete = yes ]
    result $? "$what: $states states"
}

# broken NUMBER PATTERN DESCRIPTION DEFINITION...: the failure is found, and
# it is the one that is meant.
broken()
{
    number=$1 pattern=$2 what=$3
    shift 3
    verify -DBUG="$number" "$@"
    [ "${errors:-0}" -gt 0 ] && grep -Eq "^pan:.*$pattern" out
    result $? "found: $what"
}

written='assertion violated 0'
waits='invalid end state'

sound "sound"
sound "sound, the owner gives the frame up" -DRELEASE
sound "sound, near the clock's last value" $near_wrap
broken 1 "$written" "the clock advances after the flush"
broken 2 "$written" "a CPU is stamped before it has flushed"
broken 3 "$waits" "a CPU that waits for a flush serves none"
broken 4 "$written" "no flush"
broken 5 "$written" "a CPU with an equal stamp is spared"
broken 6 "$written" "old stamps survive the clock's new start" $near_wrap
broken 7 "$written" "the swap does not compare the stamp"
broken 8 "$written" "the flush comes after the new type"
broken 9 "$written" "idle words hold no stamp"
broken 10 "$written" "the stamp is older than the removal"
broken 11 "assertion" "tables without a lock"
broken 12 "$waits" "waiting for the lock with interrupts off"
broken 13 "assertion.*refs" "half-done tables have no reference" -DRELEASE
broken 14 "assertion.*held" "half-done tables forget how far they were"
broken 15 "$written" "only the last put leaves a stamp"
echo "1..$count"
