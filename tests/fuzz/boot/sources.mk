FUZZERS += fuzz_multiboot fuzz_e820 fuzz_cmdline
boot_arch := ../../hypervisor/arch/x86/boot
fuzz_multiboot_SRCS := boot/fuzz_multiboot.c $(boot_arch)/multiboot.c \
                  $(boot_arch)/e820.c ../../hypervisor/lib/string.c
fuzz_multiboot_SEEDS := sh boot/seeds.sh multiboot
fuzz_e820_SRCS := boot/fuzz_e820.c $(boot_arch)/e820.c
fuzz_cmdline_SRCS := boot/fuzz_cmdline.c $(boot_arch)/multiboot.c \
                $(boot_arch)/e820.c \
                $(addprefix ../../hypervisor/lib/,param.c string.c)
fuzz_cmdline_SEEDS := sh boot/seeds.sh cmdline
