# Targets around the hypervisor itself: run, check, stress, matrix, bench,
# install, help. Included by the top Makefile, which defines $(O) and builds
# $(O)/xeno and $(O)/xeno.gz. Each first installs the packages that it needs;
# see scripts/fetch.

MEM     ?= 2048
SMP     ?= 2
CPU     ?= Haswell
GRAPHIC ?= 0
KERNEL  ?= 12
PLAIN   ?= 0
JOBS    ?= 2
TESTS   ?=
MINUTES ?= 10
BOOTS   ?= 50
DESTDIR ?=
TFTPDIR ?=

absO := $(abspath $(O))
SCRIPT := O=$(absO) scripts

# The targets below show a build's commands only with V=1, and use JOBS
# processors for it unless make was given -j itself.
V       ?= 0
quiet    = $(if $(filter 1,$(V)),,-s)
jobs     = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))
BUILD    = $(MAKE) $(quiet) $(jobs) --no-print-directory

.PHONY: tools run check stress fuzz-guest churn many numbers matrix bench \
	install help packages-build packages-run packages-check dom0 dom0-13 \
	dom0-xl mini-os mini-os-net

packages-build:
	@$(SCRIPT)/fetch packages build
packages-run:
	@$(SCRIPT)/fetch packages build run
packages-check:
	@$(SCRIPT)/fetch packages build run check

# The userland of domain 0: $(O)/tools/xeno.
tools: packages-build
	@$(BUILD) -C tools O=$(absO) CC='$(CC)' all

# The sample guest, and the same with a network by lwIP.
mini-os: packages-build
	@$(BUILD) -C guests/mini-os O=$(absO) CC='$(CC)' all

mini-os-net: packages-build
	@$(SCRIPT)/fetch lwip
	@$(BUILD) -C guests/mini-os O=$(absO) CC='$(CC)' net

mini_os_parts := $(shell find guests/mini-os -name '*.[cSh]' -o -name '*.lds') \
	guests/mini-os/Makefile

$(absO)/mini-os/mini-os: $(mini_os_parts)
	@$(MAKE) -s --no-print-directory -C guests/mini-os O=$(absO) CC='$(CC)'

# Where lwIP's source cannot be had it is an empty file: its tests are left out.
$(absO)/mini-os/mini-os-net: $(mini_os_parts)
	@if $(SCRIPT)/fetch lwip; then \
	  $(MAKE) -s --no-print-directory -C guests/mini-os O=$(absO) \
	    CC='$(CC)' net; \
	else mkdir -p $(@D) && : >$@; fi

# Domain 0: kernel and initramfs. The recursive calls come after the packages.
dom0: packages-run
	@$(SCRIPT)/fetch kernel
	@$(MAKE) -s --no-print-directory $(absO)/initramfs-12.cpio

dom0-13: packages-run
	@$(SCRIPT)/fetch kernel13
	@$(MAKE) -s --no-print-directory $(absO)/initramfs-13.cpio

initramfs_parts := $(wildcard scripts/initramfs/*) scripts/mkinitramfs \
	scripts/module-files
dom0_tests := $(wildcard tests/system/dom0/*)

$(absO)/initramfs-%.cpio: $(initramfs_parts) $(dom0_tests)
	@$(MAKE) -s --no-print-directory -C tests/system/dom0 O=$(absO)
	@echo "assembling $(notdir $@)"
	@$(SCRIPT)/mkinitramfs -k $(absO)/linux-$* -o $@ -T $(absO)/tests/dom0

# Domain 0 with Xen's own tools, for either Debian's kernel, and what its guests
# boot: Debian 12's as packaged and unpacked, Debian 13's, a small root file
# system for both.
dom0-xl: dom0 dom0-13
	@$(SCRIPT)/fetch toolstack
	@$(MAKE) -s --no-print-directory $(absO)/dom0-xl.cpio $(absO)/load.cpio \
	  $(absO)/chrony.cpio

guests := $(addprefix $(absO)/guests/,vmlinux-12 vmlinuz-12 initrd-12 \
	vmlinuz-13 initrd-13 grub-memdisk grub-reader mini-os mini-os-net)
xl_tests := $(wildcard tests/system/xl/xl-* tests/system/xl/xeno-*)

$(absO)/guests/mini-os $(absO)/guests/mini-os-net: $(absO)/guests/%: \
		$(absO)/mini-os/%
	@mkdir -p $(@D)
	@cp $< $@

$(absO)/guests/vmlinux-%: $(absO)/guests/vmlinuz-% scripts/kernel-payload
	@scripts/kernel-payload $< | xz -dc >$@

$(absO)/guests/vmlinuz-%: $(absO)/linux-%/vmlinuz
	@mkdir -p $(@D)
	@cp $< $@

$(absO)/guests/initrd-%: $(initramfs_parts)
	@mkdir -p $(@D)
	@$(SCRIPT)/mkinitramfs -k $(absO)/linux-$* -o $@ -i guest -m guest

$(absO)/guests/grub-memdisk: tests/system/xl/grub-linux.cfg \
		scripts/mkmemdisk $(absO)/guests/vmlinuz-12 $(absO)/guests/initrd-12
	@$(SCRIPT)/mkmemdisk $(absO)/toolstack $< $@ $(filter $(absO)/%,$^)

$(absO)/guests/grub-reader: tests/system/xl/grub-reader.cfg scripts/mkmemdisk
	@mkdir -p $(@D)
	@$(SCRIPT)/mkmemdisk $(absO)/toolstack $< $@

# The tools' own Makefile knows whether they are up to date.
$(absO)/tools/xeno: tools

# A program of the scenarios, with the library of our own command.
$(absO)/tests/guest-control: tests/system/xl/guest-control.c $(absO)/tools/xeno
	@mkdir -p $(@D)
	@$(CC) -std=gnu11 -D_GNU_SOURCE -D__XEN_TOOLS__ -O2 -Wall -Wextra \
	  -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wvla -Werror \
	  -Itools/include -Iinclude -static -s -o $@ $< \
	  $(absO)/tools/libxeno.a -lxenforeignmemory -lxencall -lxentoollog \
	  -lxentoolcore

$(absO)/dom0-xl.cpio: $(initramfs_parts) scripts/program-files $(guests) \
		$(xl_tests) $(absO)/tools/xeno $(absO)/tests/guest-control
	@echo "assembling $(notdir $@)"
	@rm -rf $(absO)/tests/xl
	@mkdir -p $(absO)/tests/xl
	@cp $(xl_tests) $(absO)/tests/guest-control $(absO)/tests/xl
	@$(SCRIPT)/mkinitramfs -k $(absO)/linux-12 -k $(absO)/linux-13 -o $@ \
	  -X $(absO)/toolstack -B $(absO)/tools/xeno \
	  $(addprefix -G ,$(guests)) -T $(absO)/tests/xl

# Goes behind it for tests that want a load: stress-ng, and what the plain
# domain 0 has in /tests.
$(absO)/load.cpio: scripts/mkoverlay scripts/program-files $(dom0_tests)
	@$(SCRIPT)/fetch stress-ng
	@$(MAKE) -s --no-print-directory -C tests/system/dom0 O=$(absO)
	@echo "assembling $(notdir $@)"
	@$(SCRIPT)/mkoverlay $@ $(absO)/stress-ng $(absO)/tests/dom0 \
	  usr/bin/stress-ng

# And for the test of an NTP daemon: chronyd and a clock for it.
$(absO)/chrony.cpio: scripts/mkoverlay scripts/program-files \
		tests/system/chrony/refclock.c
	@$(SCRIPT)/fetch chrony
	@echo "assembling $(notdir $@)"
	@mkdir -p $(absO)/tests/chrony
	@$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Wstrict-prototypes \
	  -Wmissing-prototypes -Wshadow -Wvla -Werror -static -s \
	  -o $(absO)/tests/chrony/refclock tests/system/chrony/refclock.c
	@$(SCRIPT)/mkoverlay $@ $(absO)/chrony $(absO)/tests/chrony \
	  usr/sbin/chronyd

# The same for a person: one Linux kernel will do.
demo_guest := $(absO)/guests/vmlinux-12 $(absO)/guests/initrd-12 \
	$(absO)/guests/mini-os

$(absO)/dom0-demo.cpio: $(initramfs_parts) scripts/program-files $(demo_guest) \
		$(absO)/tools/xeno
	@echo "assembling $(notdir $@)"
	@$(SCRIPT)/mkinitramfs -k $(absO)/linux-12 -o $@ \
	  -X $(absO)/toolstack -B $(absO)/tools/xeno $(addprefix -G ,$(demo_guest))

# A terminal on domain 0: with the tools and two guests that run already, or
# (PLAIN=1, or another kernel than Debian 12's) with a shell alone.
ifeq ($(PLAIN)$(KERNEL),012)
run: packages-run
	@echo "building $(O)/xeno"
	@$(BUILD) all
	@$(SCRIPT)/fetch kernel
	@$(SCRIPT)/fetch toolstack
	@$(MAKE) -s --no-print-directory $(absO)/dom0-demo.cpio
	@MEM=$(MEM) SMP=$(SMP) CPU='$(CPU)' GRAPHIC=$(GRAPHIC) \
	  XEN_ARGS='dom0_mem=768M $(XEN_ARGS)' \
	  DOM0_ARGS='xeno.guest=demo,mini-os quiet $(DOM0_ARGS)' \
	  RUN_ARGS='$(RUN_ARGS)' INITRD=$(absO)/dom0-demo.cpio $(SCRIPT)/run
else
run: packages-run
	@echo "building $(O)/xeno"
	@$(BUILD) all
	@$(MAKE) -s --no-print-directory dom0$(if $(filter 13,$(KERNEL)),-13)
	@MEM=$(MEM) SMP=$(SMP) CPU='$(CPU)' GRAPHIC=$(GRAPHIC) \
	  KERNEL=$(KERNEL) XEN_ARGS='$(XEN_ARGS)' DOM0_ARGS='$(DOM0_ARGS)' \
	  RUN_ARGS='$(RUN_ARGS)' $(SCRIPT)/run
endif

# Everything that the tests boot or run is built before the first of them.
check: packages-check
	@echo "building $(O)/xeno"
	@$(BUILD) all
	@echo "building $(O)/debug/xeno, with assertions"
	@$(BUILD) DEBUG=1 O=$(absO)/debug all
	@$(MAKE) -s --no-print-directory dom0-xl
	@CC='$(CC)' JOBS=$(JOBS) $(SCRIPT)/check $(TESTS)

stress: packages-run
	@echo "building $(O)/debug/xeno, with assertions"
	@$(BUILD) DEBUG=1 O=$(absO)/debug all
	@$(MAKE) -s --no-print-directory dom0
	@STRESS_SECONDS=$$(($(MINUTES) * 60)) $(SCRIPT)/check -v \
	  tests/system/stress.t

# One long run of the hypercall fuzzer: SECONDS=3600 SEED=1
fuzz-guest: packages-run
	@$(MAKE) --no-print-directory DEBUG=1 O=$(absO)/debug all
	@$(MAKE) -s --no-print-directory -C tests/guest O=$(absO) fuzzer
	@O=$(absO) tests/guest/fuzz/run -s $(or $(SECONDS),600) -S $(or $(SEED),1)

# Guests in numbers: CYCLES of them that come and are destroyed, or GUESTS idle
# ones at once.
numbers: packages-check
	@echo "building $(O)/xeno"
	@$(BUILD) all
	@$(MAKE) -s --no-print-directory dom0-xl

churn: CYCLES ?= 1000
churn: numbers
	@GUESTS=1 CYCLES=$(CYCLES) LIMIT=$$(($(CYCLES) * 10 + 1200)) \
	  $(SCRIPT)/check -v tests/system/xl-numbers.t

many: GUESTS ?= 200
many: numbers
	@GUESTS=$(GUESTS) CYCLES=1 MEM=4096 LIMIT=$$(($(GUESTS) * 20 + 1200)) \
	  $(SCRIPT)/check -v tests/system/xl-numbers.t

matrix: packages-run
	@echo "building $(O)/xeno"
	@$(BUILD) all
	@$(MAKE) -s --no-print-directory dom0
	@BOOTS=$(BOOTS) $(SCRIPT)/check -v tests/system/boot-matrix.t

bench: packages-check
	@echo "building $(O)/xeno"
	@$(BUILD) all
	@$(MAKE) -s --no-print-directory dom0
	@$(SCRIPT)/fetch xen
	@$(SCRIPT)/fetch packages bench
	@$(SCRIPT)/fetch toolstack
	@$(MAKE) -s --no-print-directory tools mini-os $(absO)/guests/vmlinux-12
	@O=$(absO) bench/run
	@O=$(absO) bench/micro/run
	@O=$(absO) bench/create/run
	@O=$(absO) bench/mini-os/run

install: all tools
	install -d '$(DESTDIR)/boot' '$(DESTDIR)/usr/sbin' \
	  '$(DESTDIR)/usr/share/man/man1' '$(DESTDIR)/usr/share/man/man5' \
	  '$(DESTDIR)/usr/share/bash-completion/completions'
	install -m 644 '$(O)/xeno.gz' '$(DESTDIR)/boot/xeno.gz'
	install -s -m 755 '$(O)/tools/xeno' '$(DESTDIR)/usr/sbin/xeno'
	install -m 644 tools/man/xeno.1 '$(DESTDIR)/usr/share/man/man1/xeno.1'
	install -m 644 tools/man/xeno.cfg.5 \
	  '$(DESTDIR)/usr/share/man/man5/xeno.cfg.5'
	install -m 644 tools/completion/xeno \
	  '$(DESTDIR)/usr/share/bash-completion/completions/xeno'
ifneq ($(TFTPDIR),)
	install -d '$(DESTDIR)$(TFTPDIR)'
	install -m 644 '$(O)/xeno.gz' '$(DESTDIR)$(TFTPDIR)/xeno.gz'
endif

define HELP
make                build $(O)/xeno and $(O)/xeno.gz
make debug          the same with assertions and lock checks
make tools          $(O)/tools/xeno, domain 0's command
make mini-os        $(O)/mini-os/mini-os, the sample guest
make mini-os-net    $(O)/mini-os/mini-os-net, the same with lwIP's TCP/IP
make run            boot Debian's kernel on it in QEMU: a shell in domain 0,
                    with two guests beside it (Ctrl-A x leaves)
make check          all tests       TESTS="FILE..." only these, JOBS=2
make stress         a long memory and process storm   MINUTES=10
make fuzz-guest     random hypercalls against the debug build
                    SECONDS=600 SEED=1
make churn          guests created and destroyed   CYCLES=1000
make many           idle guests at once, in 4 GiB   GUESTS=200
make matrix         boots with many machine shapes    BOOTS=50
make bench          measurements beside stock Xen and the bare machine
make install        $(DESTDIR)/boot/xeno.gz and the command with its man
                    pages      TFTPDIR=DIR: a copy of the image there
make clean          remove $(O)

Variables: O=DIR build directory; CC=gcc|clang; DEBUG=1; V=1 shows the
commands
For make run: PLAIN=1 (domain 0 alone) MEM=2048 (MiB) SMP=2 CPU=Haswell
KERNEL=12|13 (13: alone) GRAPHIC=1 (a window with the VGA screen) XEN_ARGS="boot options" DOM0_ARGS="kernel command
line" RUN_ARGS="further QEMU arguments"
endef
export HELP
help:
	@echo "$$HELP"
