tsc_scale_SRCS := tsc_scale/test.c ../../hypervisor/arch/x86/tsc_scale.c
