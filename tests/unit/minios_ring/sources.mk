minios_ring_SRCS := $(addprefix minios_ring/,main.c test_ring.c test_wire.c \
	test_packets.c) $(addprefix ../../guests/mini-os/,ring.c packets.c)
minios_ring_CFLAGS := -I../../guests/mini-os/include
