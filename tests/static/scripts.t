#!/bin/sh
# The scripts are well-formed, and those that should be are executable.
. "$(dirname "$0")/../system/lib.sh"

cd "$TOP" || exit 1
for f in scripts/* scripts/initramfs/init scripts/initramfs/udhcpc bench/* \
    tests/*/*.t .ci/run; do
    [ -f "$f" ] || continue
    case $(head -n 1 "$f") in
    '#!/bin/sh'*) check "$f" sh -n "$f" ;;
    '#!/bin/bash'* | '#!/usr/bin/env bash'*) check "$f" bash -n "$f" ;;
    '#!/usr/bin/perl'*) check "$f" perl -c "$f" ;;
    *) continue ;;
    esac
    [ -x "$f" ] || ok 1 "$f is not executable"
done
done_testing
