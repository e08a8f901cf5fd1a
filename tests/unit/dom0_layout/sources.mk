dom0_layout_SRCS := dom0_layout/test_layout.c \
                    ../../hypervisor/domain/dom0/layout.c
