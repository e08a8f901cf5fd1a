#!/bin/sh
# seeds.sh multiboot|cmdline DIR: starting points for the fuzzers.
dir=$2
case $1 in
multiboot)
    # Byte 0: protocol. Then memory from 0x10000 on.
    {
        printf '\000'
        printf '\115\002\000\000\177\002\000\000\000\374\001\000\000\000\000\000'
        printf '\200\000\001\000\001\000\000\000\240\000\001\000'
        printf '\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000\000'
        printf '\030\000\000\000\300\000\001\000'
        printf '\000\000\000\000\000\000\000\000\000\000\000\000\200\000\001\000'
        head -c 60 /dev/zero
        printf 'xen console=com1 loglvl=all mem=1G\000'
    } >"$dir/mb1"
    {
        printf '\001'
        printf '\150\000\000\000\000\000\000\000'
        printf '\002\000\000\000\021\000\000\000GRUB 2.6\000\000\000\000\000\000\000\000'
        printf '\006\000\000\000\050\000\000\000\030\000\000\000\000\000\000\000'
        printf '\000\000\020\000\000\000\000\000\000\000\360\037\000\000\000\000'
        printf '\001\000\000\000\000\000\000\000'
        printf '\003\000\000\000\022\000\000\000\000\000\200\000\000\000\220\000a\000'
        printf '\000\000\000\000\000\000'
        printf '\000\000\000\000\010\000\000\000'
    } >"$dir/mb2"
    ;;
cmdline)
    printf 'flag no-flag flag=off small=255 num=0x10 size=64M text=abc fn=x' \
        >"$dir/all"
    printf 'small=256 size=5q text=much_too_long unknown= =' >"$dir/bad"
    ;;
esac
