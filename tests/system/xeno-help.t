#!/bin/sh
# What our own command says of itself, without a hypervisor: help, man pages,
# completion, exit statuses.
. "$(dirname "$0")/lib.sh"

xeno=$O/tools/xeno
[ -x "$xeno" ] || skip_all "the command is not built"
PATH=$O/tools:$PATH
"$xeno" help >"$tmp/help"
ok $? "help"
commands=$(awk '/^  / { print $1 }' "$tmp/help")
[ "$(echo "$commands" | wc -l)" -ge 35 ]
ok $? "... names the commands"

help_ok=0 man_ok=0
for c in $commands; do
    "$xeno" "$c" --help >"$tmp/one" && grep -q "^usage: xeno $c" "$tmp/one" ||
        help_ok=1
    # In the man page each is the word of a .BR line.
    grep -Eq "^\\.BR? (.*[\" ])?$c([\" ]|$)" "$TOP/tools/man/xeno.1" || {
        echo "# $c"
        man_ok=1
    }
done
ok $help_ok "each of them explains itself"
ok $man_ok "each of them is in the man page"

# Keys that the configuration knows are in its man page.
keys=$(grep -o -h -E 'get_[a-z]+\(cfg, "[a-z_]+"' "$TOP/tools/xeno/guest.c" |
    sed 's/.*"\(.*\)"/\1/')
left=
for key in $keys; do
    grep -q "$key" "$TOP/tools/man/xeno.cfg.5" || left="$left $key"
done
[ -n "$keys" ] && [ -z "$left" ]
ok $? "each key of the configuration is in its man page$left"

# complete WORD...: what bash would offer for the last one.
complete()
{
    bash -c '. "$0"; compopt() { :; }; COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1)); _xeno; printf "%s\n" "${COMPREPLY[@]}"' \
        "$TOP/tools/completion/xeno" "$@"
}
[ "$(complete xeno block- | sort | tr '\n' ' ')" = \
    "block-attach block-detach block-list " ]
ok $? "completion of commands"
complete xeno shutdown -- | grep -qx -e --wait
ok $? "completion of options"
[ "$(complete xeno create "$TOP/tools/man/xeno.c")" = \
    "$TOP/tools/man/xeno.cfg.5" ]
ok $? "completion of files"

"$xeno" >/dev/null 2>&1
[ $? = 2 ]
ok $? "without a command: exit status 2"
"$xeno" -z >/dev/null 2>&1
[ $? = 2 ]
ok $? "an unknown option: exit status 2"
"$xeno" frob >/dev/null 2>"$tmp/err"
[ $? = 1 ] && grep -q "'frob'" "$tmp/err"
ok $? "an unknown command: exit status 1, and it is named"
done_testing
