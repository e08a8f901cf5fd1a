# Sanitizers would report the faults that the test is about.
usercopy_SRCS := usercopy/test_usercopy.c ../../hypervisor/arch/x86/usercopy.S
usercopy_CFLAGS := -fno-sanitize=all
