grant_SRCS := grant/main.c grant/stubs.c grant/test_active.c \
              grant/test_random.c grant/test_explore.c grant/test_maptrack.c \
              ../../hypervisor/grant/active.c ../../hypervisor/grant/maptrack.c
