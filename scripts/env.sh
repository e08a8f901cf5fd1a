# Sourced by the other scripts: where things are and how to talk.
#
#   O      build directory (make passes it on; default build)
#   TOP    top of the source tree
#   CACHE  where downloaded packages are kept (default $O/cache)

TOP=$(cd "$(dirname "$0")/.." && pwd)
while [ ! -e "$TOP/scripts/env.sh" ] && [ "$TOP" != / ]; do
    TOP=$(dirname "$TOP")
done
O=${O:-build}
case $O in
/*) ;;
*) O=$TOP/$O ;;
esac
CACHE=${CACHE:-$O/cache}
export O TOP CACHE

me=$(basename "$0")

# say WORDS: progress for a person, on stderr so that stdout stays usable.
say()
{
    echo "$me: $*" >&2
}

# die WORDS: name the cause and give up.
die()
{
    echo "$me: error: $*" >&2
    exit 1
}

# have COMMAND: is it there?
have()
{
    command -v "$1" >/dev/null 2>&1
}

# as_root COMMAND...: run it with the rights that apt-get needs.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "need root for '$*', and sudo is not installed"
    fi
}
