#!/bin/sh
# Seed files for fuzz_acpi: one with each kind of table, into directory $1.
set -e
pad() { head -c "$1" /dev/zero; }
# A byte for the mode, 63 bytes of RSDP and alignment, then tables.
start() { printf '\0'; pad 64; }
len() { printf "\\$(printf %03o $(($1 % 256)))\\$(printf %03o $(($1 / 256)))\\0\\0"; }
{
    start
    printf APIC; len 92; pad 36
    printf '\000\010\001\000\001\0\0\0\001\014\0\0\0\0\300\376\0\0\0\0'
    printf '\002\012\0\011\011\0\0\0\017\0\004\006\377\0\0\001\0\010\002\002\001\0\0\0'
    pad 64
} > "$1/madt"
{ start; printf FACP; len 244; pad 300; } > "$1/fadt"
{
    start
    printf HPET; len 56; pad 36; printf '\0\0\320\376'; pad 20
    printf MCFG; len 60; pad 36; printf '\0\0\0\260'; pad 7; printf '\377'
    pad 64
} > "$1/hpet-mcfg"
