#!/bin/sh
# A fresh copy of the tree builds without a warning by both compilers, with
# and without assertions; the results are what boot loaders expect; `make
# clean` leaves nothing; `make install` puts the right files in the
# right places. Checklist rows 1 and 2.
. "$(dirname "$0")/lib.sh"

# The sources as git sees them, committed or not.
mkdir "$tmp/tree"
copy_tree()
{
    cd "$TOP" || return 1
    if [ -e .git ] && command -v git >/dev/null; then
        git -c safe.directory='*' ls-files -z -co --exclude-standard
    else
        find . -path ./build -prune -o -type f -print0
    fi | perl -0ne 'chomp; print "$_\0" if -e' | cpio -0 -pdm --quiet "$tmp/tree"
}
check "a copy of the sources" copy_tree
cd "$tmp/tree" || exit 1
(cd "$tmp/tree" && find . | LC_ALL=C sort) >"$tmp/before"

for cc in gcc clang; do
    if ! command -v $cc >/dev/null; then
        skip "$cc" "not installed"
        continue
    fi
    for debug in 0 1; do
        env -u MAKEFLAGS -u MAKELEVEL -u O make -j2 CC=$cc DEBUG=$debug \
            O="build/$cc$debug" >"$tmp/log" 2>&1
        status=$?
        [ $status = 0 ] || tail -n 20 "$tmp/log" | sed 's/^/# /'
        ok $status "$cc, DEBUG=$debug builds"
        grep -i warning "$tmp/log" | sed 's/^/# /'
        ! grep -qi warning "$tmp/log"
        ok $? "... without a warning"
    done
done

xeno=build/gcc0/xeno
check "the image is a 32-bit x86 ELF file" sh -c \
    "[ \"\$(od -An -tx1 -N6 $xeno | tr -d ' ')\" = 7f454c460101 ]"
check "it carries a multiboot 1 header" sh -c \
    "head -c 8192 $xeno | od -An -v -tx4 -w4 | grep -q 1badb002"
check "it carries a multiboot 2 header" sh -c \
    "head -c 32768 $xeno | od -An -v -tx4 -w4 | grep -q e85250d6"
check "the compressed copy is the same image" sh -c \
    "gunzip -c $xeno.gz | cmp - $xeno"

check "make install" env -u MAKEFLAGS -u MAKELEVEL -u O make -s O=build/gcc0 \
    install DESTDIR="$tmp/dest" TFTPDIR=/srv/tftp
check "/boot has the compressed image" \
    cmp $xeno.gz "$tmp/dest/boot/xeno.gz"
check "and so has the TFTP directory" \
    cmp $xeno.gz "$tmp/dest/srv/tftp/xeno.gz"
check "the command runs" "$tmp/dest/usr/sbin/xeno" help
(cd "$tmp/dest" && find . -type f | LC_ALL=C sort) >"$tmp/installed"
check "with its man pages and completion, and nothing else" \
    diff - "$tmp/installed" <<END
./boot/xeno.gz
./srv/tftp/xeno.gz
./usr/sbin/xeno
./usr/share/bash-completion/completions/xeno
./usr/share/man/man1/xeno.1
./usr/share/man/man5/xeno.cfg.5
END

for d in gcc0 gcc1 clang0 clang1; do
    env -u MAKEFLAGS -u MAKELEVEL -u O make -s O=build/$d clean \
        >"$tmp/log" 2>&1 || echo "# make clean: $(cat "$tmp/log")"
done
rmdir build 2>/dev/null
find . | LC_ALL=C sort >"$tmp/after"
check "make clean leaves nothing" diff "$tmp/before" "$tmp/after"
cd / && done_testing
