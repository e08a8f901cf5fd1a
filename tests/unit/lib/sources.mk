lib_SRCS := lib/main.c lib/test_param.c lib/test_rangeset.c lib/log.c \
            $(addprefix ../../hypervisor/lib/,param.c rangeset.c string.c)
