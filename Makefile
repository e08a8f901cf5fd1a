# Xeno. `make help` lists the targets.
#
#   O=dir      build directory (default build)
#   DEBUG=1    assertions, lock checks, poisoning (same as `make debug`)
#   CC=clang   another compiler
#   EXTRA=...  further source files, such as a scheduler of your own

O       ?= build
DEBUG   ?= 0
CC      ?= gcc
ifeq ($(origin CC),default)
CC      := gcc
endif
NM      ?= nm
LD      ?= ld
OBJCOPY ?= objcopy

WARN := -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wredundant-decls -Wnested-externs -Wshadow -Wvla -Werror

# Indirect branches go through thunks, which boot patches (spec_ctrl.h).
THUNKS := $(shell if $(CC) -mindirect-branch=thunk-extern -E -x c /dev/null \
            >/dev/null 2>&1; then \
            echo -mindirect-branch=thunk-extern -mindirect-branch-register; \
            else echo -mretpoline-external-thunk; fi)

HYP_CFLAGS := -std=gnu11 -O2 -g $(WARN) -ffreestanding -fno-common \
        -fpie -fvisibility=hidden -include hypervisor/lib/visibility.h \
        -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
        -fcf-protection=none -fno-asynchronous-unwind-tables \
        -fno-omit-frame-pointer -momit-leaf-frame-pointer \
        -fno-strict-aliasing -fwrapv $(THUNKS) \
        -ffunction-sections -fdata-sections -falign-loops=1 \
        -D__XEN_TOOLS__ -I hypervisor -I include -I $(O)/gen
ifeq ($(findstring clang,$(CC)),)
HYP_CFLAGS += -falign-jumps=1
endif
ifeq ($(DEBUG),1)
HYP_CFLAGS += -DDEBUG
endif

ROOMS   := lib arch/x86 core mm domain event grant sched pv drivers net block init
SRCS    := $(sort $(foreach r,$(ROOMS),$(shell find hypervisor/$(r) -name '*.[cS]' 2>/dev/null)))
EXTRA   ?=
OBJS    := $(patsubst hypervisor/%,$(O)/obj/%.o,$(SRCS)) \
           $(EXTRA:%=$(O)/extra/%.o)
OFFSETS := $(O)/gen/asm-offsets.h
HYPLIBS := $(shell for l in lzma zstd z; do \
             f=$$($(CC) -print-file-name=lib$$l.a); [ -f "$$f" ] && echo $$f; done)

.DEFAULT_GOAL := all
.PHONY: all debug clean help
all: $(O)/xeno $(O)/xeno.gz

debug:
	$(MAKE) DEBUG=1 all

# The hypervisor proper is a 64-bit ELF at its high address (kept for gdb);
# boot loaders get its flat image inside a 32-bit ELF.
$(O)/xeno: $(O)/xeno.elf hypervisor/wrapper.S hypervisor/wrapper.lds
	$(OBJCOPY) -O binary $(O)/xeno.elf $(O)/xeno.bin
	$(CC) -m32 -c -o $(O)/wrapper.o hypervisor/wrapper.S \
	  -DIMAGE='"$(O)/xeno.bin"' -Wa,--noexecstack \
	  $$($(NM) $(O)/xeno.elf | awk '$$3=="_load_size"{printf "-DMEM_SIZE=0x%s ",$$1} $$3=="_entry_offset"{printf "-DENTRY_OFFSET=0x%s ",$$1}')
	$(LD) -m elf_i386 --no-warn-rwx-segments -T hypervisor/wrapper.lds -o $@ $(O)/wrapper.o

$(O)/xeno.gz: $(O)/xeno
	gzip -9nc $< > $@

LINK = $(LD) -m elf_x86_64 -nostdlib -static -no-pie --gc-sections -z noexecstack \
       -z max-page-size=4096 --no-warn-rwx-segments -T $(O)/gen/xeno.lds

# Linked twice: the second time with the table of function names that stack
# traces use (made from the first).
$(O)/xeno.elf: $(OBJS) $(O)/gen/xeno.lds scripts/gen-symbols
	$(LINK) -o $@.0 $(OBJS) --start-group $(HYPLIBS) --end-group
	$(NM) -n $@.0 | scripts/gen-symbols > $(O)/gen/symbols.S
	$(CC) -c -o $(O)/gen/symbols.o $(O)/gen/symbols.S
	$(LINK) -o $@ $(OBJS) $(O)/gen/symbols.o --start-group $(HYPLIBS) --end-group

$(O)/gen/xeno.lds: hypervisor/xeno.lds.S hypervisor/arch/x86/layout.h
	@mkdir -p $(@D)
	$(CC) -E -P -x assembler-with-cpp -D__ASSEMBLY__ -I hypervisor -o $@ $<

$(O)/gen/asm-offsets.s: hypervisor/asm-offsets.c
	@mkdir -p $(@D)
	$(CC) $(HYP_CFLAGS) -g0 -MD -MP -MF $(O)/gen/asm-offsets.d -MT $@ -S -o $@ $<

$(OFFSETS): $(O)/gen/asm-offsets.s
	awk '/->/{sub(/^.*->/,""); gsub(/[$$"]/,""); print "#define",$$1,$$2}' $< > $@

# Made small instead of fast: what runs at boot or a few times a second.
COLD := domain drivers arch/x86/boot arch/x86/acpi arch/x86/console \
        arch/x86/serial arch/x86/smp arch/x86/ioapic arch/x86/panic init \
        arch/x86/spec_policy arch/x86/spec_options pv/cpu_policy \
        pv/context_get sched/control sched/admit sched/place \
        sched/atropos sched/rr sched/dump sched/move sched/hotplug \
        pv/hypercall_trace arch/x86/topology arch/x86/timesync \
        arch/x86/clocksource arch/x86/rtc arch/x86/xpti_audit \
        arch/x86/keyhandler arch/x86/symbols mm/page_audit mm/memory_info \
        mm/resource mm/exchange mm/domain_mm lib/param lib/printf \
        lib/rangeset pv/context pv/ioport event/pirq event/bind event/close \
        grant/query arch/x86/vga arch/x86/log
COLD_OBJS := $(filter-out %/vcpu_op.c.o %/version.c.o %/time.c.o %.S.o, \
        $(filter $(foreach c,$(COLD),$(O)/obj/$(c)/% $(O)/obj/$(c)%),$(OBJS)))
$(COLD_OBJS): HYP_CFLAGS += -Os

$(O)/obj/%.c.o: hypervisor/%.c
	@mkdir -p $(@D)
	$(CC) $(HYP_CFLAGS) -MD -MP -c -o $@ $<

$(O)/extra/%.c.o: %.c
	@mkdir -p $(@D)
	$(CC) $(HYP_CFLAGS) -MD -MP -c -o $@ $<

$(O)/obj/%.S.o: hypervisor/%.S $(OFFSETS)
	@mkdir -p $(@D)
	$(CC) $(HYP_CFLAGS) -D__ASSEMBLY__ -MD -MP -c -o $@ $<

-include $(OBJS:.o=.d) $(O)/gen/asm-offsets.d
-include mk/targets.mk

clean:
	rm -rf $(O)
