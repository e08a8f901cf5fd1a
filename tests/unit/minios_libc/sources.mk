minios_libc_SRCS := minios_libc/main.c minios_libc/renamed.c
minios_libc_CFLAGS := -I../../guests/mini-os/include -I../../guests/mini-os
