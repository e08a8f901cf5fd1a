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
