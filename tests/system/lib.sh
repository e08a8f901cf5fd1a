# Sourced by the *.t files: TAP, and a short way to boot.
#
#   XENO     the hypervisor that is booted (default $O/xeno)
#   K12 K13  kernels; I12 I13 their initramfs
#
# A boot's serial log is $O/logs/TEST-NUMBER.log, whether it went well or not.

TOP=$(cd "$(dirname "$0")/../.." && pwd)
O=${O:-$TOP/build}
export O TOP
test_name=$(basename "$0" .t)
XENO=${XENO:-$O/xeno}
K12=$O/linux-12/vmlinuz
I12=$O/initramfs-12.cpio
K13=$O/linux-13/vmlinuz
I13=$O/initramfs-13.cpio
CONSOLE="console=com1 com1=115200,8n1 loglvl=all guest_loglvl=all"
count=0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM

# ok STATUS DESCRIPTION
ok()
{
    count=$((count + 1))
    if [ "$1" = 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
    fi
}

# check DESCRIPTION COMMAND...: the command succeeds; its output is shown as
# remarks if it does not.
check()
{
    desc=$1
    shift
    if "$@" >"$tmp/out" 2>&1; then
        ok 0 "$desc"
    else
        sed 's/^/# /' "$tmp/out" | tail -n 40
        ok 1 "$desc"
    fi
}

# skip DESCRIPTION REASON
skip()
{
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# skip_all REASON: end the whole test here.
skip_all()
{
    echo "1..0 # SKIP $1"
    exit 0
}

# boot DESCRIPTION QEMU-RUN-OPTION...: one check.
boot()
{
    desc=$1
    shift
    log=$O/logs/$test_name-$((count + 1)).log
    "$TOP/scripts/qemu-run" -n "$test_name-$((count + 1))" "$@"
    ok $? "$desc"
}

# boot_dom0 DESCRIPTION QEMU-RUN-OPTION...: Debian 12's kernel on the
# hypervisor. $xen_args and $dom0_args are added to the command lines.
boot_dom0()
{
    desc=$1
    shift
    boot "$desc" --xen "$XENO" --xen-args "$CONSOLE ${xen_args:-}" \
        --kernel "$K12" --args "console=hvc0 ${dom0_args:-}" \
        --initrd "$I12" "$@"
}

# logged DESCRIPTION REGEX: the last boot's log has such a line.
logged()
{
    grep -Eq "$2" "$log"
    ok $? "$1"
}

# The plan, at the end.
done_testing()
{
    echo "1..$count"
}
