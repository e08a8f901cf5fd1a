grant_race_SRCS := grant_race/main.c grant/stubs.c \
                   ../../hypervisor/grant/active.c \
                   ../../hypervisor/grant/maptrack.c
grant_race_CFLAGS := -fno-sanitize=all -fsanitize=thread -pthread \
                     -iquote grant_race/shim
