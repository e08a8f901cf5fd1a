pv_layout_SRCS := pv_layout/test_layout.c \
                    ../../hypervisor/domain/loader/layout.c
