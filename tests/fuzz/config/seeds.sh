#!/bin/sh
# seeds.sh DIR: configurations of every kind.
cd "$1" || exit 1
cat >all <<'EOF'
# a comment
name = "web"; kernel = '/k' # another
ramdisk = "/r"; root = "/dev/xvda1 ro"; extra = 'a\n\"b'
extra += " c"
memory = 0x40 ; maxmem = "128"
vcpus = 2
maxvcpus = 010
cpus = "0-3,^1"; uuid = '01234567-89ab-cdef-0123-456789abcdef'
on_crash = "coredump-restart"
disk = [ 'phy:/d,xvda:disk,w', "/e,raw,hdc,ro,cdrom",
    'format=raw, vdev=xvdb, access=ro, script=block-x, target=/a,b', ]
disk += [ 'tap:aio:/f,xvdc,w' ]
vif = [ 'mac=00:16:3e:01:02:03,bridge=b,rate=10Mb/s@20ms', '' ]
vif += [ 'vifname=v0, ip=10.0.0.1, devid=5' ]
EOF
echo 'vnuma = [ [ "pnode=0", "size=512" ], [ ] ]' >nested
echo "name='g'
kernel='/k'" >minimal
