minios_mm_SRCS := minios_mm/main.c ../../guests/mini-os/mm.c
minios_mm_CFLAGS := -I../../guests/mini-os/include -Wno-redundant-decls
