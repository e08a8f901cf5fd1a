boot_SRCS := boot/main.c boot/test_e820.c boot/test_multiboot.c \
             boot/test_log.c \
             $(addprefix ../../hypervisor/arch/x86/,boot/e820.c \
               boot/multiboot.c log.c) ../../hypervisor/lib/string.c
