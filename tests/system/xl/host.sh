# Sourced by the xl-*.t files: boot domain 0 with Xen's own tools and have it
# run a scenario. HYPERVISOR=stock boots stock Xen 4.17 instead of ours, which
# is how a scenario itself is tested.
. "$(dirname "$0")/lib.sh"

if [ "${HYPERVISOR:-}" = stock ]; then
    "$TOP/scripts/fetch" xen
    XENO=$O/xen-4.17/xen
fi

# scenario NAME[,ARGUMENT...] SECONDS [CPUS]: one check for each verdict that the
# scenario gives, and one that it came to its end, within the time an idle
# machine takes some times over. The kernel is $kernel or Debian 12's unpacked,
# which is faster.
#
# counted=1 has the machine's clock count instructions, one a nanosecond, and
# leap where all processors are idle. So the limits of the tools and of the
# scenario's own waiting do not depend on how busy the host is: xl gives a
# hotplug script 40 seconds.
scenario()
{
    name=${1%%,*}
    extra=${counted:+-- -icount shift=0,sleep=off}
    boot=$test_name${HYPERVISOR:+-$HYPERVISOR}
    log=$O/logs/$boot.log
    # shellcheck disable=SC2086
    "$TOP/scripts/qemu-run" -n "$boot" --xen "$XENO" \
        --xen-args "$CONSOLE dom0_mem=${dom0_mem:-768M} ${xen_args:-}" \
        --kernel "${kernel:-$O/guests/vmlinux-12}" \
        --args "console=hvc0 quiet xeno.test=$1 ${dom0_args:-}" \
        --initrd "$O/dom0-xl.cpio" -m "${mem:-2048}" -s "${3:-1}" \
        -t "$2" -e "XENO-TEST $name " --exit $extra >"$tmp/out"
    status=$?
    tr -d '\r' <"$log" | grep -E '^(ok|not ok) - |^# ' >"$tmp/verdicts"
    while read -r line; do
        case $line in
        ok*) ok 0 "${line#ok - }" ;;
        not*) ok 1 "${line#not ok - }" ;;
        *) echo "$line" ;;
        esac
    done <"$tmp/verdicts"
    cat "$tmp/out"
    [ $status = 0 ] && grep -q "XENO-TEST $name PASS" "$log"
    ok $? "$name came to its end, and all was well"
}
