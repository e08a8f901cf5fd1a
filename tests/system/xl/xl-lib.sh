# Sourced by the scenarios, shell programs that run in domain 0 with Xen's own
# tools. A scenario prints "ok - ..." or "not ok - ..." for each check, and
# its exit status says whether all held. It knows nothing of the hypervisor.
#
# Guests have a name, a configuration /tmp/NAME.cfg and a console log.

consoles=/var/log/xen/console
guests=/guests
failed=0

# ok STATUS DESCRIPTION
ok()
{
    if [ "$1" = 0 ]; then
        echo "ok - $2"
    else
        failed=$((failed + 1))
        echo "not ok - $2"
    fi
}

# check DESCRIPTION COMMAND...: the command succeeds; its output is shown as
# remarks if it does not.
check()
{
    desc=$1
    shift
    if "$@" >/tmp/out 2>&1; then
        ok 0 "$desc"
    else
        sed 's/^/# /' /tmp/out | tail -n 20
        ok 1 "$desc"
    fi
}

# refused DESCRIPTION REGEX COMMAND...: the command fails and says why.
refused()
{
    desc=$1
    regex=$2
    shift 2
    if "$@" >/tmp/out 2>&1; then
        echo "# it succeeded"
        ok 1 "$desc"
    elif grep -Eq "$regex" /tmp/out; then
        ok 0 "$desc"
    else
        sed 's/^/# /' /tmp/out | tail -n 20
        ok 1 "$desc"
    fi
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for()
{
    end=$(($(date +%s) + $1))
    shift
    while ! "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.3
    done
}

# config NAME [LINE...]: a small Linux guest; later lines override.
config()
{
    name=$1
    shift
    {
        echo "name = '$name'"
        echo "kernel = '$guests/vmlinux-12'"
        echo "ramdisk = '$guests/initrd-12'"
        echo "memory = 128"
        echo "extra = 'console=hvc0 quiet guest.name=$name'"
        for line in "$@"; do
            echo "$line"
        done
    } >"/tmp/$name.cfg"
    rm -f "$consoles/guest-$name.log"
}

# create NAME [LINE...]: configure, start, and wait for userland.
create()
{
    config "$@"
    xl create "/tmp/$1.cfg" && up "$1"
}

# up NAME [N]: it has come as far as userland, for the Nth time.
up()
{
    wait_for 900 booted "$1" "${2:-1}" || {
        tail -n 20 "$consoles/guest-$1.log"
        return 1
    }
}

booted()
{
    [ "$(grep -c "^guest $1: " "$consoles/guest-$1.log")" -ge "$2" ]
}

# run NAME COMMAND: type a command at the guest's shell and print what comes.
run()
{
    # A file, as this may run in a subshell: each command has its own marks.
    echo >>/tmp/typed
    typed=$(wc -l </tmp/typed)
    console=$consoles/guest-$1.log
    tty=$(xenstore-read "/local/domain/$(xl domid "$1")/console/tty")
    echo "echo be''gin$typed; $2; echo e''nd$typed" >"$tty"
    wait_for 200 grep -q "^end$typed" "$console" || {
        tail -n 20 "$console" | sed 's/^/# /' >&2
        return 1
    }
    tr -d '\r' <"$console" | sed -n "/^begin$typed/,/^end$typed/p" | sed '1d;$d'
}

# type_at NAME TEXT REGEX: the same at a terminal under xl console, which must
# show REGEX and must leave on ^].
type_at()
{
    : >/tmp/console
    {
        echo "$2"
        wait_for 200 grep -Eq "$3" /tmp/console
        printf '\035'
    } | script -qfec "xl console $1" /tmp/console >/dev/null 2>&1 &&
        grep -Eq "$3" /tmp/console
}

# state NAME: the letters of xl list.
state()
{
    xl list "$1" 2>/dev/null | awk 'NR == 2 { print $5 }'
}

# is NAME LETTER: the state has the letter.
is()
{
    state "$1" | grep -q "$2"
}

# No domain but domain 0. One that ends is listed until the last who has a page
# of it mapped lets go.
alone()
{
    [ "$(xl list | wc -l)" = 2 ]
}

gone()
{
    ! xl domid "$1" >/dev/null 2>&1
}

# free_is MIB: so much memory belongs to no domain.
free_is()
{
    [ "$(xl info free_memory)" = "$1" ]
}

# free_pages: those of the machine, and what domain 0's balloon could take.
free_pages()
{
    balloon=/sys/devices/system/xen_memory/xen_memory0/info/current_kb
    echo $(($(xeno info free_pages) + $(cat $balloon) / 4))
}

# pages_are N [M]: so many; M of them may be in use for domain 0 itself, whose
# tables in the hypervisor grow with use.
pages_are()
{
    kept=$(($1 - $(free_pages)))
    [ $kept -ge 0 ] && [ $kept -le "${2:-0}" ]
}

# finish: the exit status.
finish()
{
    [ $failed = 0 ]
    exit $?
}
