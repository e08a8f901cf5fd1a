#!/bin/sh
# Guests that come and go in several places at once, with Debian 13's kernel as
# domain 0 on four processors and xenstored's twin in OCaml:
# tests/system/xl/xl-smp.
. "$(dirname "$0")/xl/host.sh"
kernel=$K13
dom0_args="xeno.store=oxenstored"
counted=1
scenario xl-smp 3600 4
done_testing
