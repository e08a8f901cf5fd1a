# The hypervisor's own C library functions, under other names beside the
# host's, to which the test compares them.
libc_SRCS := libc/test_libc.c \
             $(addprefix ../../hypervisor/lib/,string.c printf.c bitops.c)
libc_CFLAGS := -ffreestanding $(foreach f,memcpy memmove memset memcmp memchr \
  strlen strnlen strcmp strncmp strchr strrchr strstr vsnprintf snprintf,\
  -D$(f)=xeno_$(f))
