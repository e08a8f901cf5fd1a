# Sourced by the scenarios of our own command, after xl-lib.sh.

# nothing_left: no domain, no node, no file, no loop device.
nothing_left()
{
    [ "$(xeno list | wc -l)" = 2 ] &&
        [ "$(xenstore-list /local/domain)" = 0 ] &&
        [ -z "$(for dir in /vm /libxl /xeno/name /xeno/domain \
            /local/domain/0/backend/vbd /local/domain/0/backend/vif \
            /local/domain/0/backend/console; do
            xenstore-list $dir 2>/dev/null
        done)" ] &&
        [ -z "$(ls -A /run/xeno/guests 2>/dev/null)" ] &&
        ! ls /var/lib/xen | grep -q 'userdata-.\.[1-9]' &&
        [ -z "$(losetup -a)" ]
}
