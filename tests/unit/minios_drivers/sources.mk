minios_drivers_SRCS := $(addprefix minios_drivers/,main.c world.c test_open.c \
	test_blk.c test_net.c) $(addprefix ../../guests/mini-os/,ring.c \
	frontend.c blkfront.c netfront.c)
minios_drivers_CFLAGS := -I../../guests/mini-os/include \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ \
	-Wno-redundant-decls
