spec_SRCS := spec/main.c spec/test_choice.c spec/test_options.c spec/log.c \
             ../../hypervisor/arch/x86/spec_policy.c \
             ../../hypervisor/arch/x86/spec_options.c \
             ../../hypervisor/lib/param.c ../../hypervisor/lib/string.c
