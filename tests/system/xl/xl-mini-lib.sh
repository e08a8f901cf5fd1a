# Sourced after xl-lib.sh by the scenarios with the sample guest.

log=$consoles/guest-mini.log

# mini APPLICATION [MIB [LINE...]]: the configuration of a guest called mini.
mini()
{
    rm -f "$log"
    {
        echo "name = 'mini'"
        echo "kernel = '$guests/mini-os'"
        echo "memory = ${2:-1}"
        echo "extra = '$1'"
        echo "on_crash = 'destroy'"
        shift $(($# < 2 ? $# : 2))
        for line in "$@"; do
            echo "$line"
        done
    } >/tmp/mini.cfg
}

# says REGEX: on its console, within a minute of an idle machine.
says()
{
    wait_for 120 grep -Eq "$1" "$log" || {
        tail -n 40 "$log"
        return 1
    }
}

# start TOOL [-p]: creates it; $id is its number, $home its directory. It is
# paused until that is known, and longer with -p.
start()
{
    "$1" create -p /tmp/mini.cfg && id=$("$1" domid mini) &&
        home=/local/domain/$id && { [ "${2:-}" = -p ] || "$1" unpause mini; }
}

# left: it is gone, and so are its back ends. Cheaper to ask than the tools.
left()
{
    ! xenstore-exists "$home/name" &&
        [ -z "$(xenstore-list /local/domain/0/backend/vif 2>/dev/null)" ] &&
        [ -z "$(xenstore-list /local/domain/0/backend/vbd 2>/dev/null)" ]
}

# typed COMMAND REGEX: at its shell, whose terminal is $tty.
typed()
{
    echo "$1" >"$tty"
    says "$2"
}
