insn_SRCS := insn/main.c insn/test_decode.c insn/test_rmw.c \
             ../../hypervisor/arch/x86/insn.c ../../hypervisor/pv/rmw.c
