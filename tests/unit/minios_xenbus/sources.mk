minios_xenbus_SRCS := minios_xenbus/main.c ../../guests/mini-os/ring.c
minios_xenbus_CFLAGS := -I../../guests/mini-os/include -I../../guests/mini-os \
	-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ \
	-Wno-redundant-decls
