alloc_SRCS := alloc/main.c alloc/test_buddy.c alloc/test_xmalloc.c \
              $(addprefix ../../hypervisor/mm/,buddy.c heap.c)
alloc_CFLAGS := -DHOST_SHIM -DDEBUG
